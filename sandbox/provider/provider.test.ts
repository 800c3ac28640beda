import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { authorizationCalls, startTestProvider, type TestProvider } from './test-provider.ts'

let provider: TestProvider
beforeEach(async () => {
  provider = await startTestProvider()
})
afterEach(async () => {
  vi.useRealTimers()
  await provider.end()
})

const { authorize, capture, voidIt, refund, read, ledger, expectRefused } = authorizationCalls(
  () => provider,
  expect,
)

describe('captures', () => {
  it('sum up to the authorization and not beyond', async () => {
    const { id } = (await authorize()).body
    const first = await capture(id, { amount: 4_000 })
    expect(first).toMatchObject({
      status: 201,
      body: { id, status: 'authorized', captured: 4_000, released: 0 },
    })
    expect(first.body['operation']).toEqual({
      id: expect.stringMatching(/^cap_/),
      type: 'capture',
      amount: 4_000,
      createdAt: expect.any(String),
    })
    await expectRefused(id, () => capture(id, { amount: 6_001 }), 409, 'capture_exceeds_authorized')
    expect(await capture(id, { amount: 6_000 })).toMatchObject({ body: { captured: 10_000, released: 0 } })
    await expectRefused(id, () => capture(id, { amount: 1 }), 409, 'capture_exceeds_authorized')
  })

  it('release the rest when they are final', async () => {
    const { id } = (await authorize()).body
    expect(await capture(id, { amount: 4_000, final: true })).toMatchObject({
      body: { captured: 4_000, released: 6_000 },
    })
    await expectRefused(id, () => capture(id, { amount: 1 }), 409, 'capture_exceeds_authorized')
  })

  it('are one per authorization without multicapture', async () => {
    await provider.restart({ PROVIDER_MULTICAPTURE: 'false' })
    expect((await provider.api().get('/v1/capabilities')).body).toEqual({
      multicapture: false,
      keyLifetimeHours: 24,
      lookupByReference: true,
    })
    const { id } = (await authorize()).body
    expect(await capture(id, { amount: 4_000 })).toMatchObject({ body: { captured: 4_000, released: 6_000 } })
    await expectRefused(id, () => capture(id, { amount: 1 }), 409, 'capture_exceeds_authorized')
  })

  it('twenty at once never take more than there is', async () => {
    const { id } = (await authorize()).body
    const answers = await Promise.all(Array.from({ length: 20 }, () => capture(id, { amount: 900 })))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(11)
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(9)
    expect(await read(id)).toMatchObject({ captured: 9_900, released: 0 })
  })
})

describe('voids', () => {
  it('release everything, once', async () => {
    const { id } = (await authorize()).body
    expect(await voidIt(id)).toMatchObject({
      status: 201,
      body: { status: 'voided', captured: 0, released: 10_000, operation: { type: 'void', amount: 10_000 } },
    })
    await expectRefused(id, () => voidIt(id), 409, 'authorization_voided')
    await expectRefused(id, () => capture(id, { amount: 1 }), 409, 'authorization_voided')
    await expectRefused(id, () => refund(id, { amount: 1 }), 409, 'authorization_voided')
  })

  it('release what is not captured', async () => {
    const { id } = (await authorize()).body
    await capture(id, { amount: 4_000 })
    expect(await voidIt(id)).toMatchObject({
      body: { status: 'authorized', captured: 4_000, released: 6_000 },
    })
    await expectRefused(id, () => voidIt(id), 409, 'nothing_to_void')
    await expectRefused(id, () => capture(id, { amount: 1 }), 409, 'capture_exceeds_authorized')
  })
})

describe('refunds', () => {
  it('give back no more than was captured', async () => {
    const { id } = (await authorize()).body
    await expectRefused(id, () => refund(id, { amount: 1 }), 409, 'refund_exceeds_captured')
    await capture(id, { amount: 4_000 })
    expect(await refund(id, { amount: 1_500, reason: 'damaged' })).toMatchObject({
      status: 201,
      body: { captured: 4_000, refunded: 1_500, operation: { type: 'refund', amount: 1_500 } },
    })
    await expectRefused(id, () => refund(id, { amount: 2_501 }), 409, 'refund_exceeds_captured')
    expect(await refund(id, { amount: 2_500 })).toMatchObject({ body: { refunded: 4_000 } })
    await expectRefused(id, () => refund(id, { amount: 1 }), 409, 'refund_exceeds_captured')
  })
})

describe('expiry', () => {
  const later = (hours: number) => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + hours * 3_600_000 })
  }

  it('releases what nobody captured', async () => {
    const { id } = (await authorize()).body
    later(167.9)
    expect(await read(id)).toMatchObject({ status: 'authorized', released: 0 })
    later(0.2)
    expect(await read(id)).toMatchObject({ status: 'expired', released: 10_000 })
    await expectRefused(id, () => capture(id, { amount: 1 }), 409, 'authorization_expired')
    await expectRefused(id, () => voidIt(id), 409, 'authorization_expired')
    await expectRefused(id, () => refund(id, { amount: 1 }), 409, 'authorization_expired')
  })

  it('keeps what was captured, which can be refunded', async () => {
    const { id } = (await authorize()).body
    await capture(id, { amount: 4_000 })
    later(169)
    expect(await read(id)).toMatchObject({ status: 'authorized', captured: 4_000, released: 6_000 })
    await expectRefused(id, () => capture(id, { amount: 1 }), 409, 'authorization_expired')
    await expectRefused(id, () => voidIt(id), 409, 'nothing_to_void')
    expect(await refund(id, { amount: 4_000 })).toMatchObject({
      status: 201,
      body: { refunded: 4_000, released: 6_000 },
    })
  })
})

describe('the ledger', () => {
  it('tells everything, or what concerns one reference, in order', async () => {
    const { id } = (await authorize({ reference: 'a' })).body
    await authorize({ reference: 'b', paymentMethod: 'pm_card_visa_chargeDeclined' })
    await capture(id, { amount: 4_000 })
    await capture(id, { amount: 9_000 })
    await refund(id, { amount: 1_000 })
    await voidIt(id)
    expect((await ledger('?reference=a')).map(({ type, amount }) => [type, amount])).toEqual([
      ['authorization', 10_000],
      ['capture', 4_000],
      ['refusal', undefined],
      ['refund', 1_000],
      ['void', 6_000],
    ])
    expect(await ledger('?reference=b')).toMatchObject([{ type: 'authorization', status: 'declined' }])
    expect(await ledger()).toHaveLength(6)
  })
})
