/** What every payment provider must do, whichever it is: each adapter's test runs this against the real thing. */
import { randomUUID } from 'node:crypto'
import type * as vitest from 'vitest'
import type { PaymentProvider, ProviderAuthorization, ProviderOutcome } from './provider.ts'

type Vitest = Pick<typeof vitest, 'describe' | 'it' | 'expect' | 'beforeAll' | 'afterAll'>

export interface ProviderUnderTest {
  provider: PaymentProvider
  /** A method that is approved, and one that is declined with this code. */
  methods: {
    approved: string
    declined: string
    declineCode: string
    /** One that the customer must approve at a page, where the provider has such. */
    secure?: string
  }
  /** The customer answers at the page. */
  authenticate?(authorization: ProviderAuthorization, approved: boolean): Promise<void>
  /** A webhook as the provider signs it now; left out where the provider sends none. */
  webhook?(): { raw: Buffer; headers: Readonly<Record<string, string>> }
  stop(): Promise<void>
}

/**
 * Declares the tests.
 *
 * @example describeProvider({ describe, it, expect, beforeAll, afterAll }, 'sandbox', startSandbox)
 */
export function describeProvider(
  vitest: Vitest,
  name: string,
  start: () => Promise<ProviderUnderTest>,
): void {
  const { describe, it, expect, beforeAll, afterAll } = vitest

  describe(`the payment provider ${name}`, () => {
    let subject: ProviderUnderTest
    let provider: PaymentProvider

    beforeAll(async () => {
      subject = await start()
      provider = subject.provider
    })
    afterAll(() => subject.stop())

    const request = (paymentMethod = subject.methods.approved) => ({
      amount: 10_000,
      currency: 'EUR',
      paymentMethod,
      reference: randomUUID(),
      customer: randomUUID(),
    })

    function authorizationOf(outcome: ProviderOutcome): ProviderAuthorization {
      expect(outcome).toMatchObject({ outcome: 'succeeded' })
      if (outcome.outcome !== 'succeeded') throw new Error(outcome.outcome)
      return outcome.authorization
    }

    const authorize = async () => authorizationOf(await provider.authorize(request(), randomUUID()))

    it('authorizes the whole amount and captures none of it', async () => {
      const order = request()
      const authorization = authorizationOf(await provider.authorize(order, randomUUID()))
      expect(authorization).toMatchObject({
        reference: order.reference,
        state: 'approved',
        amount: 10_000,
        captured: 0,
        refunded: 0,
        released: 0,
      })
      expect(await provider.find(authorization.id)).toEqual(authorization)
    })

    it('answers a repeated key with the first answer and one effect', async () => {
      const order = request()
      const key = randomUUID()
      const first = await provider.authorize(order, key)
      expect(await provider.authorize(order, key)).toEqual(first)
      const { id } = authorizationOf(first)
      const captureKey = randomUUID()
      await provider.capture(id, 4_000, captureKey)
      await provider.capture(id, 4_000, captureKey)
      expect(await provider.find(id)).toMatchObject({ captured: 4_000 })
    })

    it('answers a repeated refund and a repeated void with the first answer and one effect', async () => {
      const { id } = await authorize()
      await provider.capture(id, 4_000, randomUUID())
      const [refundKey, voidKey] = [randomUUID(), randomUUID()]
      const refund = () => provider.refund(id, { amount: 1_000, reason: 'returned' }, refundKey)
      const refunded = await refund()
      expect(authorizationOf(refunded)).toMatchObject({ refunded: 1_000 })
      expect(await refund()).toEqual(refunded)
      expect(await provider.find(id)).toMatchObject({ captured: 4_000, refunded: 1_000 })
      const other = await authorize()
      const released = await provider.void(other.id, voidKey)
      expect(authorizationOf(released)).toMatchObject({ released: 10_000 })
      expect(await provider.void(other.id, voidKey)).toEqual(released)
      expect(await provider.find(other.id)).toMatchObject({ captured: 0, released: 10_000 })
    })

    it('does not execute a key of a capture or a refund again with another amount', async () => {
      const { id } = await authorize()
      const [captureKey, refundKey] = [randomUUID(), randomUUID()]
      authorizationOf(await provider.capture(id, 4_000, captureKey))
      expect((await provider.capture(id, 3_000, captureKey)).outcome).not.toBe('succeeded')
      authorizationOf(await provider.refund(id, { amount: 1_000 }, refundKey))
      expect((await provider.refund(id, { amount: 2_000 }, refundKey)).outcome).not.toBe('succeeded')
      expect(await provider.find(id)).toMatchObject({ captured: 4_000, refunded: 1_000 })
    })

    it('throws for no authorization that it does not know, and moves nothing', async () => {
      const paid = await authorize()
      const others = [
        await authorize(),
        authorizationOf(await provider.capture(paid.id, 4_000, randomUUID())),
      ]
      const answers = [
        await provider.capture('unknown', 1_000, randomUUID()),
        await provider.void('unknown', randomUUID()),
        await provider.refund('unknown', { amount: 1_000 }, randomUUID()),
      ]
      for (const { outcome } of answers) expect(outcome).toMatch(/^(declined|unknown|not_sent)$/)
      for (const one of others) expect(await provider.find(one.id)).toEqual(one)
    })

    it('does not execute a key again with other parameters', async () => {
      const order = request()
      const key = randomUUID()
      const { id } = authorizationOf(await provider.authorize(order, key))
      expect((await provider.authorize({ ...order, amount: 9_999 }, key)).outcome).not.toBe('succeeded')
      expect(await provider.find(id)).toMatchObject({ amount: 10_000 })
    })

    it('finds an authorization by our reference, and only that', async () => {
      if (!provider.capabilities.lookupByReference) return
      const order = request()
      const authorization = authorizationOf(await provider.authorize(order, randomUUID()))
      expect(await provider.findByReference(order.reference)).toEqual(authorization)
      expect(await provider.findByReference(randomUUID())).toBeUndefined()
      expect(await provider.find('unknown')).toBeUndefined()
    })

    it('declines with a code, also for methods that it does not know', async () => {
      expect(await provider.authorize(request(subject.methods.declined), randomUUID())).toEqual({
        outcome: 'declined',
        code: subject.methods.declineCode,
      })
      expect(await provider.authorize(request('pm_nobody_knows'), randomUUID())).toMatchObject({
        outcome: 'declined',
      })
    })

    it('captures in parts, or releases the rest with the first, as it declares', async () => {
      const { id } = await authorize()
      const first = authorizationOf(await provider.capture(id, 4_000, randomUUID()))
      if (provider.capabilities.multicapture) {
        expect(first).toMatchObject({ captured: 4_000, released: 0 })
        expect(authorizationOf(await provider.capture(id, 6_000, randomUUID()))).toMatchObject({
          captured: 10_000,
        })
      } else {
        expect(first).toMatchObject({ captured: 4_000, released: 6_000 })
      }
      expect(await provider.capture(id, 1, randomUUID())).toMatchObject({ outcome: 'declined' })
    })

    it('captures no more than is authorized', async () => {
      const { id } = await authorize()
      expect(await provider.capture(id, 10_001, randomUUID())).toMatchObject({ outcome: 'declined' })
      expect(await provider.find(id)).toMatchObject({ captured: 0, released: 0 })
    })

    it('releases all of it once, and nothing is captured afterwards', async () => {
      const { id } = await authorize()
      expect(authorizationOf(await provider.void(id, randomUUID()))).toMatchObject({ released: 10_000 })
      expect(await provider.void(id, randomUUID())).toMatchObject({ outcome: 'declined' })
      expect(await provider.capture(id, 1, randomUUID())).toMatchObject({ outcome: 'declined' })
      expect(await provider.find(id)).toMatchObject({ captured: 0, released: 10_000 })
    })

    it('refunds no more than was captured', async () => {
      const { id } = await authorize()
      expect(await provider.refund(id, { amount: 1 }, randomUUID())).toMatchObject({ outcome: 'declined' })
      await provider.capture(id, 4_000, randomUUID())
      const refunded = await provider.refund(id, { amount: 3_000, reason: 'returned' }, randomUUID())
      expect(authorizationOf(refunded)).toMatchObject({ captured: 4_000, refunded: 3_000 })
      expect(await provider.refund(id, { amount: 1_001 }, randomUUID())).toMatchObject({
        outcome: 'declined',
      })
      expect(await provider.find(id)).toMatchObject({ refunded: 3_000 })
    })

    it('has no money before the customer approved, and all of it afterwards', async () => {
      const { secure } = subject.methods
      if (secure === undefined) return
      for (const approved of [true, false]) {
        const order = request(secure)
        const key = randomUUID()
        const outcome = await provider.authorize(order, key)
        if (outcome.outcome !== 'requires_action') throw new Error(outcome.outcome)
        const { id, actionUrl } = outcome.authorization
        expect(actionUrl).toMatch(/^https?:\/\//)
        expect(await provider.find(id)).toMatchObject({
          state: 'requires_action',
          reference: order.reference,
          captured: 0,
          released: 0,
        })
        expect((await provider.capture(id, 1, randomUUID())).outcome).toBe('declined')
        await subject.authenticate?.(outcome.authorization, approved)
        expect(await provider.find(id)).toMatchObject({
          state: approved ? 'approved' : 'declined',
          actionUrl: null,
        })
        const captured = await provider.capture(id, 10_000, randomUUID())
        expect(captured.outcome).toBe(approved ? 'succeeded' : 'declined')
      }
    })

    it('gives up what the customer has not approved', async () => {
      const { secure } = subject.methods
      if (secure === undefined) return
      const outcome = await provider.authorize(request(secure), randomUUID())
      if (outcome.outcome !== 'requires_action') throw new Error(outcome.outcome)
      const { id } = outcome.authorization
      expect(authorizationOf(await provider.void(id, randomUUID()))).toMatchObject({
        state: 'closed',
        released: 0,
      })
      expect((await provider.capture(id, 1, randomUUID())).outcome).toBe('declined')
    })

    it('takes no webhook without a signature, or with one of nobody', () => {
      const raw = Buffer.from('{}')
      expect(provider.verifyWebhook(raw, {})).toBeUndefined()
      // whichever header it looks into
      const forged = new Proxy({}, { get: () => `t=${Math.floor(Date.now() / 1000)},v1=${'0'.repeat(64)}` })
      expect(provider.verifyWebhook(raw, forged)).toBeUndefined()
    })

    it('takes its own webhooks, and neither another body nor another signature', () => {
      const genuine = subject.webhook?.()
      if (genuine === undefined) return
      const { raw, headers } = genuine
      expect(provider.verifyWebhook(raw, headers)).toBeDefined()
      expect(provider.verifyWebhook(Buffer.concat([raw, Buffer.from(' ')]), headers)).toBeUndefined()
      for (const [header, value] of Object.entries(headers)) {
        const other = { ...headers, [header]: `${value.slice(0, -1)}${value.endsWith('0') ? '1' : '0'}` }
        expect(provider.verifyWebhook(raw, other), header).toBeUndefined()
      }
    })
  })
}
