import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeProvider } from '#services/payments/providers/conformance.ts'
import { createProvider } from './payment-provider.ts'

const newProvider = () => createProvider({})

describeProvider({ describe, it, expect, beforeAll, afterAll }, 'credit', async () => ({
  provider: newProvider(),
  methods: { approved: 'account_bakery', declined: 'account_broke', declineCode: 'limit_reached' },
  stop: () => Promise.resolve(),
}))

describe('a credit account', () => {
  it('takes orders up to its limit, and more after a void', async () => {
    const provider = newProvider()
    const order = (amount: number) =>
      provider.authorize(
        { amount, currency: 'EUR', paymentMethod: 'account_bakery', reference: randomUUID(), customer: 'c' },
        randomUUID(),
      )
    const first = await order(10_000_000)
    expect(await order(1)).toEqual({ outcome: 'declined', code: 'limit_reached' })
    if (first.outcome !== 'succeeded') throw new Error(first.outcome)
    await provider.void(first.authorization.id, randomUUID())
    expect(await order(10_000_000)).toMatchObject({ outcome: 'succeeded' })
  })
})
