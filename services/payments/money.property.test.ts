/** Whatever is asked in whatever order, and however the provider fails: the books are the provider's, and nobody pays twice. */
import { randomUUID } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ApplicationFailure } from '@temporalio/common'
import { createLogger } from '#platform/logger.ts'
import { paymentsStore } from '#tests/support/payments.ts'
import { parametersOf } from '#tests/support/property.ts'
import { ProviderUnreachableError } from './operations/failures.ts'
import { openAt } from './providers/provider.ts'
import { createSettleUnknownPayments } from './reconciliation/settle-unknown-payments.ts'
import { createMemoryProvider, type Intercept } from './test-support/memory-provider.ts'
import { createPayments, findViolations, newOrder, passDeadlines } from './test-support/payments.ts'

const database = await paymentsStore()

const logger = createLogger({ service: 'payments', level: 'silent' })
const lost = new Error('the answer was lost')

/** What becomes of a call to the provider. */
const FATES: Record<string, Intercept> = {
  answered: async (_call, execute) => execute(),
  'executed, answer lost': async (_call, execute) => {
    execute()
    return { outcome: 'unknown', cause: lost }
  },
  'never arrived, nobody knows': async () => ({ outcome: 'unknown', cause: lost }),
  'not sent': async () => ({ outcome: 'not_sent', cause: lost }),
  refused: async (call, execute) =>
    call.operation === 'void' ? execute() : { outcome: 'declined', code: 'refused' },
}

const method = fc.constantFrom(
  'pm_card_visa',
  'pm_card_visa',
  'pm_card_visa_chargeDeclined',
  'pm_card_authenticationRequired',
)
const parcel = fc.integer({ min: 0, max: 2 })
const command = fc.oneof(
  fc.record({ do: fc.constant('authorize' as const), request: fc.integer({ min: 1, max: 3 }), method }),
  fc.record({ do: fc.constant('keep' as const), request: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant('customer' as const), approves: fc.boolean() }),
  fc.record({ do: fc.constant('capture' as const), parcel }),
  fc.record({ do: fc.constant('release' as const), parcel }),
  fc.record({ do: fc.constant('renew' as const) }),
  fc.record({ do: fc.constant('run out' as const) }),
  fc.record({ do: fc.constant('reconcile' as const) }),
  fc.record({ do: fc.constant('wait' as const) }),
  fc.record({ do: fc.constant('refund' as const), amount: fc.integer({ min: 1, max: 4_500 }) }),
  fc.record({ do: fc.constant('dispute' as const), status: fc.constantFrom('open', 'won', 'lost') }),
  fc.record({ do: fc.constant('void' as const) }),
)
type Command = typeof command extends fc.Arbitrary<infer C> ? C : never

const scenario = fc.record({
  multicapture: fc.boolean(),
  paid: fc.boolean(),
  commands: fc.array(command, { minLength: 4, maxLength: 16 }),
  fates: fc.array(fc.constantFrom('answered', 'answered', 'answered', ...Object.keys(FATES)), {
    minLength: 40,
    maxLength: 40,
  }),
})

/** Three parcels of 30.00, 30.00 and 30.00, and shipping of 10.00; a second and third request ask for 20.00 more. */
const PARCEL = 3_000
const SHIPPING = 1_000
const amountOf = (request: number) => (request === 1 ? 10_000 : 12_000)

function createWorld(multicapture: boolean, fates: string[]) {
  const provider = createMemoryProvider({ multicapture, lifetimeMs: 3_600_000 })
  const payments = createPayments(database, provider)
  const order = newOrder()
  const { orderId } = order
  const parcels = [randomUUID(), randomUUID(), randomUUID()]
  const queue = [...fates]
  provider.intercept = (call, execute) => (FATES[queue.shift() ?? ''] ?? FATES['answered']!)(call, execute)
  const references = () => provider.authorizations.map(({ reference }) => reference)

  const cost = (request: number) =>
    parcels.map((shipmentId, index) => ({
      shipmentId,
      amount: index === 0 ? amountOf(request) - 2 * PARCEL : PARCEL,
    }))
  const shipmentOf = (index: number): string => parcels[index]!

  type Do = Command['do']
  const DEEDS: { [D in Do]: (step: Extract<Command, { do: D }>) => unknown } = {
    authorize: ({ request, method: paymentMethod }) =>
      payments.authorize({
        ...order,
        amount: amountOf(request),
        paymentMethod,
        request,
        parts: cost(request),
      }),
    keep: ({ request }) => payments.keep({ orderId, request }),
    customer: ({ approves }) => {
      const waits = provider.authorizations.find(({ state }) => state === 'requires_action')
      if (waits !== undefined) provider.authenticate(waits.reference, approves)
    },
    capture: (step) =>
      payments.capture({
        orderId,
        shipmentId: shipmentOf(step.parcel),
        amount: PARCEL,
        shipping: SHIPPING,
      }),
    release: (step) => payments.releaseParcel({ orderId, shipmentId: shipmentOf(step.parcel) }),
    renew: () => payments.renew({ orderId, until: new Date(Date.now() + 7_200_000).toISOString() }),
    'run out': () => {
      for (const each of provider.authorizations) each.expiresAt = new Date(Date.now() - 1).toISOString()
    },
    refund: ({ amount }) => payments.refund({ orderId, refundId: randomUUID(), amount, reason: 'returned' }),
    dispute: ({ status }) => {
      const disputed = provider.authorizations.find(({ captured }) => captured > 0)
      if (disputed !== undefined) dispute(disputed, status)
    },
    void: () => payments.voidPayment(order),
    wait: () => passDeadlines(database, orderId),
    reconcile,
  }

  async function run(step: Command): Promise<void> {
    const deed: (step: never) => unknown = DEEDS[step.do]
    await deed(step as never)
  }

  async function reconcile(): Promise<void> {
    for (const reference of references()) await payments.reconcile(reference)
  }

  /** The faults are over and everybody has looked again. */
  async function settle(): Promise<void> {
    queue.length = 0
    const settleUnknown = createSettleUnknownPayments({
      ...payments.dependencies,
      database,
      logger,
      afterSeconds: 0,
    })
    for (let round = 0; round < 2; round++) {
      await passDeadlines(database, orderId)
      await settleUnknown()
      await reconcile()
    }
    // an authorization that nobody knows of, and that the workflow has stopped asking for, ends with the order
    const open = await database.attempt.count({
      where: { payment: { orderId }, status: { in: ['sent', 'unknown'] }, waiting: false },
    })
    if (open > 0) await payments.voidPayment(order)
  }

  return { provider, order, run, settle }
}

type Authorized = ReturnType<typeof createMemoryProvider>['authorizations'][number]

/** A decided dispute stays decided. */
function dispute(authorization: Authorized, status: string): void {
  const open = authorization.disputes.find((each) => each.status === 'open')
  if (status === 'open' && open === undefined && authorization.disputes.length === 0)
    authorization.disputes = [{ id: randomUUID(), amount: authorization.captured, status }]
  if (open !== undefined && (status === 'won' || status === 'lost'))
    authorization.disputes = [{ ...open, status }]
}

/** Refusals, and what a workflow would try again, are no violations. */
function expected(error: unknown): void {
  if (error instanceof ApplicationFailure || error instanceof ProviderUnreachableError) return
  throw error
}

describe('a payment', () => {
  it('keeps its books right whatever happens', async () => {
    let captured = 0
    let refunded = 0
    await fc.assert(
      fc.asyncProperty(scenario, async ({ multicapture, paid, commands, fates }) => {
        const { provider, order, run, settle } = createWorld(multicapture, fates)
        // most stories begin with money
        await run({ do: 'authorize', request: 1, method: 'pm_card_visa' }).catch(expected)
        if (paid) await run({ do: 'capture', parcel: 0 }).catch(expected)
        for (const step of commands) await run(step).catch(expected)
        await settle()
        const { orderId } = order
        expect(await findViolations(database, orderId, provider.authorizations)).toEqual([])
        const payment = await database.payment.findUniqueOrThrow({
          where: { orderId },
          include: { authorizations: true },
        })
        const live = provider.authorizations.reduce((sum, each) => sum + openAt(each), 0)
        const candidates = payment.authorizations
          .filter(({ standing, status }) => standing === 'candidate' && status === 'authorized')
          .reduce((sum, each) => sum + Number(each.amount), 0)
        // what is usable never exceeds what the order costs; an amendment that is not decided stands beside it
        expect(live - candidates + Number(payment.captured)).toBeLessThanOrEqual(Number(payment.amount))
        if (payment.voidedAt !== null) expect(live).toBe(0)
        expect(payment.refunded).toBeLessThanOrEqual(payment.captured)
        captured += Number(payment.captured)
        refunded += Number(payment.refunded)
      }),
      parametersOf(60),
    )
    // the stories are about money
    expect([captured > 0, refunded > 0]).toEqual([true, true])
  }, 240_000)
})
