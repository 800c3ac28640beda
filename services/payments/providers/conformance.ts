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

    it('takes no webhook without a signature', () => {
      expect(provider.verifyWebhook(Buffer.from('{}'), {})).toBeUndefined()
    })
  })
}
