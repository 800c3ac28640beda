/** The payments service's use cases on a real database, and what must hold of its books after whatever happened. */
import { randomUUID } from 'node:crypto'
import { createUnitOfWork } from '#platform/events/outbox.ts'
import { createAuthorizePayment } from '../authorizations/authorize-payment.ts'
import { createCapturePayment } from '../captures/capture-payment.ts'
import type { PaymentsDependencies, Timings } from '../operations/execute-attempt.ts'
import { createGiveUpCapture } from '../settled-otherwise/give-up-capture.ts'
import { createGiveUpRefund } from '../settled-otherwise/give-up-refund.ts'
import { createKeepAuthorization } from '../authorizations/keep-authorization.ts'
import { createReconcilePayment } from '../reconciliation/reconcile-payment.ts'
import { createRefundPayment } from '../refunds/refund-payment.ts'
import { createReleaseParcelPayment } from '../authorizations/release-parcel-payment.ts'
import { createRenewAuthorization } from '../authorizations/renew-authorization.ts'
import { openAt, type PaymentProvider, type ProviderAuthorization } from '../providers/provider.ts'
import { openStore, type Store } from '../store.ts'
import { createVoidPayment } from '../authorizations/void-payment.ts'

export const TIMINGS: Timings = { timeoutMs: 8_000, marginMs: 2_000 }

/** The use cases around one provider. */
export function createPayments(
  database: Store,
  provider: PaymentProvider,
  overrides: Partial<PaymentsDependencies> = {},
) {
  const transact = createUnitOfWork(database, () => {})
  const dependencies: PaymentsDependencies = { transact, provider, timings: TIMINGS, ...overrides }
  return {
    authorize: createAuthorizePayment(dependencies),
    capture: createCapturePayment(dependencies),
    voidPayment: createVoidPayment(dependencies),
    reconcile: createReconcilePayment(dependencies),
    keep: createKeepAuthorization(dependencies),
    renew: createRenewAuthorization(dependencies),
    releaseParcel: createReleaseParcelPayment(dependencies),
    refund: createRefundPayment(dependencies),
    giveUpCapture: createGiveUpCapture(dependencies),
    giveUpRefund: createGiveUpRefund(dependencies),
    dependencies,
  }
}

export type Payments = ReturnType<typeof createPayments>

export const openTestStore = (url: string): Store => openStore(url, 20)

/** An order of 100.00 EUR that nobody has paid yet. */
export const newOrder = (overrides: { amount?: number; paymentMethod?: string } = {}) => ({
  orderId: randomUUID(),
  customerId: randomUUID(),
  amount: 10_000,
  currency: 'EUR',
  paymentMethod: 'pm_card_visa',
  ...overrides,
})

/** Whoever sent the order's attempts is long gone. */
export const passDeadlines = (database: Store, orderId: string) =>
  database.$executeRaw`
    UPDATE attempts SET deadline = now() - interval '1 second'
    WHERE deadline IS NOT NULL AND payment_id = (SELECT id FROM payments WHERE order_id = ${orderId}::uuid)`

export interface Books {
  status: string
  authorized: number
  captured: number
  released: number
  attempts: string[]
  events: string[]
}

/** An order's payment in short: attempts as `capture:1 succeeded`, events in their order. */
export async function readBooks(database: Store, orderId: string): Promise<Books> {
  const payment = await database.payment.findUniqueOrThrow({
    where: { orderId },
    include: { attempts: true },
  })
  const events = await database.outbox.findMany({
    where: { aggregateId: payment.id },
    orderBy: { id: 'asc' },
  })
  const attempts = payment.attempts.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime())
  return {
    status: payment.status,
    authorized: Number(payment.authorized),
    captured: Number(payment.captured),
    released: Number(payment.released),
    attempts: attempts.map(({ operation, sequence, status }) => `${operation}:${sequence} ${status}`),
    events: events.map(({ type }) => type),
  }
}

/**
 * Every violation of what must always hold: transactions sum to zero, balances equal the payment, the payment equals the
 * provider's own figures, events count from 1 without gaps and end with the payment's sums.
 */
export async function findViolations(
  database: Store,
  orderId: string,
  provider: readonly ProviderAuthorization[],
): Promise<string[]> {
  const payment = await database.payment.findUniqueOrThrow({
    where: { orderId },
    include: { authorizations: true },
  })
  const entries = await database.ledgerEntry.findMany({ where: { paymentId: payment.id } })
  const events = await database.outbox.findMany({
    where: { aggregateId: payment.id },
    orderBy: { id: 'asc' },
  })
  const balanceOf = (account: string) => sum(entries.filter((entry) => entry.account === account))
  const theirs = provider.filter(({ reference }) => reference.startsWith(orderId))
  const open = payment.authorizations
    .filter(({ status }) => status === 'authorized')
    .reduce((all, { amount, captured, released }) => all + Number(amount - captured - released), 0)
  const last = events.at(-1)?.payload
  const facts: Record<string, [unknown, unknown]> = {
    'the ledger sums to zero': [sum(entries), 0],
    'open authorization in the ledger': [balanceOf('customer_authorizations'), open],
    'the provider holds in the ledger': [
      balanceOf('provider_balance'),
      Number(payment.captured - payment.refunded - payment.disputed),
    ],
    'open authorization at the provider': [theirs.reduce((all, each) => all + openAt(each), 0), open],
    'captured at the provider': [
      theirs.reduce((all, { captured }) => all + captured, 0),
      Number(payment.captured),
    ],
    'refunded at the provider': [
      theirs.reduce((all, { refunded }) => all + refunded, 0),
      Number(payment.refunded),
    ],
    'captured within authorized': [payment.captured + payment.released <= payment.authorized, true],
    'authorized within the amount': [payment.authorized <= payment.amount || payment.amount === 0n, true],
    'event versions': [
      events.map(({ version }) => version).join(),
      events.map((_, index) => index + 1).join(),
    ],
    'event version of the row': [payment.eventVersion, events.length],
    'the last event': [
      JSON.stringify(sumsOf(last)),
      JSON.stringify(events.length === 0 ? sumsOf(undefined) : sumsOf(payment)),
    ],
  }
  for (const { sequence, status, amount, captured, released } of payment.authorizations) {
    const seen = theirs.find(({ reference }) => reference === `${orderId}:authorize:${sequence}`)
    if (!['authorized', 'voided', 'expired'].includes(status)) continue
    facts[`authorization ${sequence}`] = [
      JSON.stringify([amount, captured, released].map(Number)),
      JSON.stringify([seen?.amount, seen?.captured, seen?.released]),
    ]
  }
  for (const id of new Set(entries.map(({ transactionId }) => transactionId))) {
    facts[`transaction ${id}`] = [sum(entries.filter(({ transactionId }) => transactionId === id)), 0]
  }
  return Object.entries(facts)
    .filter(([, [actual, expected]]) => actual !== expected)
    .map(([name, [actual, expected]]) => `${name}: ${String(actual)}, expected ${String(expected)}`)
}

const sum = (entries: readonly { amount: bigint }[]): number =>
  Number(entries.reduce((all, { amount }) => all + amount, 0n))

function sumsOf(value: unknown) {
  if (typeof value !== 'object' || value === null) return {}
  const entries = new Map<string, unknown>(Object.entries(value))
  const sums = ['authorized', 'captured', 'refunded', 'released', 'disputed'].map((name) =>
    Number(entries.get(name)),
  )
  return [...sums, entries.get('status')]
}
