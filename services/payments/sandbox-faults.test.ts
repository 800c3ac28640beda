/** The sandbox's faulty payment methods, through the HTTP adapter. */
import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { FAILURE } from '#contracts/workflows.ts'
import { createLogger } from '#platform/logger.ts'
import { paymentsStore } from '#tests/support/payments.ts'
import { startSandboxProvider, type SandboxProvider } from '#tests/support/sandbox-provider.ts'
import type { PaymentProvider } from './providers/provider.ts'
import { createSandbox } from './providers/sandbox/provider.ts'
import { createPayments, findViolations, newOrder, readBooks } from './test-support/payments.ts'

const database = await paymentsStore()
let sandbox: SandboxProvider
let provider: PaymentProvider
let payments: ReturnType<typeof createPayments>
beforeEach(async () => {
  sandbox = await startSandboxProvider({ PROVIDER_HANG_MS: '5000' })
  use(20_000)
})
afterEach(() => sandbox.stop())

/** Waits so long for the provider's answers. */
function use(timeoutMs: number): void {
  provider = sandboxAt(sandbox, timeoutMs)
  payments = createPayments(database, provider, { timings: { timeoutMs, marginMs: 100 } })
}

const sandboxAt = ({ url, apiKey }: SandboxProvider, timeoutMs: number): PaymentProvider =>
  createSandbox({
    url,
    apiKey,
    webhookSecret: 'not used here, not used here',
    timeoutMs,
    multicapture: true,
    keyLifetimeHours: 24,
    logger: createLogger({ service: 'payments', level: 'silent' }),
  })

const unknown = { type: FAILURE.outcomeUnknown }

async function violations(orderId: string): Promise<string[]> {
  const found = await provider.findByReference(`${orderId}:authorize:1`)
  return findViolations(database, orderId, found === undefined ? [] : [found])
}

describe('the sandbox provider', () => {
  it.each(['pm_sandbox_timeout_after_charge', 'pm_sandbox_error_after_charge'])(
    '%s is found by our reference',
    async (paymentMethod) => {
      if (paymentMethod.includes('timeout')) use(2_000)
      const order = newOrder({ paymentMethod })
      await expect(payments.authorize(order)).rejects.toMatchObject(unknown)
      expect(await payments.authorize(order)).toMatchObject({ outcome: 'authorized' })
      expect(await readBooks(database, order.orderId)).toMatchObject({
        status: 'authorized',
        attempts: ['authorize:1 succeeded'],
      })
      expect(await violations(order.orderId)).toEqual([])
    },
  )

  it('pm_sandbox_error_then_ok works with the same key at the third try', async () => {
    const order = newOrder({ paymentMethod: 'pm_sandbox_error_then_ok' })
    await expect(payments.authorize(order)).rejects.toMatchObject(unknown)
    await expect(payments.authorize(order)).rejects.toMatchObject(unknown)
    expect(await payments.authorize(order)).toMatchObject({ outcome: 'authorized' })
    expect(await violations(order.orderId)).toEqual([])
  })

  it('pm_sandbox_void_fails is released after the faults are cleared, with the same key', async () => {
    const order = newOrder({ paymentMethod: 'pm_sandbox_void_fails' })
    await payments.authorize(order)
    await expect(payments.voidPayment(order)).rejects.toMatchObject(unknown)
    await expect(payments.voidPayment(order)).rejects.toMatchObject(unknown)
    expect(await readBooks(database, order.orderId)).toMatchObject({ status: 'authorized', released: 0 })
    await sandbox.clearFaults()
    await payments.voidPayment(order)
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'voided',
      attempts: ['authorize:1 succeeded', 'void:1 succeeded'],
    })
    expect(await violations(order.orderId)).toEqual([])
  })

  it('pm_sandbox_capture_fails is owed, and captured after the faults are cleared, with a new key', async () => {
    const order = newOrder({ paymentMethod: 'pm_sandbox_capture_fails' })
    await payments.authorize(order)
    const parcel = { orderId: order.orderId, shipmentId: randomUUID(), amount: 9_500, shipping: 500 }
    expect(await payments.capture(parcel)).toEqual({ outcome: 'refused', code: 'capture_failed' })
    await sandbox.clearFaults()
    expect(await payments.capture(parcel)).toEqual({ outcome: 'captured', captured: 10_000 })
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'captured',
      attempts: ['authorize:1 succeeded', 'capture:1 declined', 'capture:2 succeeded'],
    })
    expect(await violations(order.orderId)).toEqual([])
  })

  it('pm_card_authenticationRequired is authorized when the customer approves it at the page', async () => {
    const order = newOrder({ paymentMethod: 'pm_card_authenticationRequired' })
    const first = await payments.authorize(order)
    expect(first).toEqual({
      outcome: 'requires_action',
      url: expect.stringContaining(`${sandbox.url}/authentications/`),
    })
    if (first.outcome !== 'requires_action') throw new Error(first.outcome)
    expect(await payments.authorize(order)).toEqual(first)
    await fetch(`${first.url}/approve`, { method: 'POST' })
    expect(await payments.authorize(order)).toMatchObject({ outcome: 'authorized' })
    expect(await violations(order.orderId)).toEqual([])
  })

  it('pm_card_authenticationRequired is given up at the provider with its order', async () => {
    const order = newOrder({ paymentMethod: 'pm_card_authenticationRequired' })
    await payments.authorize(order)
    await payments.voidPayment(order)
    expect(await provider.findByReference(`${order.orderId}:authorize:1`)).toMatchObject({
      state: 'closed',
      released: 0,
    })
    expect(await readBooks(database, order.orderId)).toMatchObject({
      status: 'voided',
      attempts: ['authorize:1 declined', 'void:1 succeeded'],
    })
    expect(await violations(order.orderId)).toEqual([])
  })

  it('declines and unknown methods end the payment with their code', async () => {
    const declined = newOrder({ paymentMethod: 'pm_card_visa_chargeDeclined' })
    expect(await payments.authorize(declined)).toEqual({ outcome: 'declined', code: 'card_declined' })
    const nobody = newOrder({ paymentMethod: 'pm_nobody' })
    expect(await payments.authorize(nobody)).toEqual({ outcome: 'declined', code: 'payment_method_unknown' })
  })

  it('tells of a dispute and how it ends, and refunds wait for that', async () => {
    const order = newOrder()
    const { orderId } = order
    await payments.authorize(order)
    await payments.capture({ orderId, shipmentId: randomUUID(), amount: 10_000, shipping: 0 })
    const reference = `${orderId}:authorize:1`
    const found = await provider.findByReference(reference)
    const dispute = async (body: object) => {
      const answer = await fetch(`${sandbox.url}/v1/authorizations/${found?.id}/dispute`, {
        method: 'POST',
        headers: { authorization: `Bearer ${sandbox.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      expect(answer.status).toBe(200)
      await payments.reconcile(reference)
    }
    const refunding = { orderId, refundId: randomUUID(), amount: 1_000, reason: 'returned' }
    await dispute({ amount: 4_000 })
    expect(await payments.refund(refunding)).toEqual({ outcome: 'refused', code: 'payment_disputed' })
    await dispute({ outcome: 'lost' })
    expect(await payments.refund(refunding)).toEqual({ outcome: 'refunded', amount: 1_000 })
    expect(await violations(orderId)).toEqual([])
  })

  it('authorizes anew what has run out', async () => {
    const order = newOrder()
    const { orderId } = order
    const first = await payments.authorize(order)
    expect(first).toMatchObject({ outcome: 'authorized', expiresAt: expect.any(String) })
    if (first.outcome !== 'authorized') throw new Error(first.outcome)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse(first.expiresAt ?? '') + 1_000 })
    onTestFinished(() => void vi.useRealTimers())
    const capturing = payments.capture({ orderId, shipmentId: randomUUID(), amount: 10_000, shipping: 0 })
    expect(await capturing).toEqual({ outcome: 'captured', captured: 10_000 })
    const all = await Promise.all(
      [1, 2].map((sequence) => provider.findByReference(`${orderId}:authorize:${sequence}`)),
    )
    expect(all).toMatchObject([{ state: 'closed', released: 10_000 }, { captured: 10_000 }])
    expect(
      await findViolations(
        database,
        orderId,
        all.flatMap((each) => each ?? []),
      ),
    ).toEqual([])
  })
})
