import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { API_KEY } from '../shared/test-support.ts'
import { charge, startTestProvider, type TestProvider } from './test-provider.ts'

let provider: TestProvider
beforeEach(async () => {
  provider = await startTestProvider()
})
afterEach(async () => {
  vi.useRealTimers()
  await provider.end()
})

const entries = async (): Promise<{ type: string }[]> => (await provider.api().get('/ledger')).body['data']

describe('idempotency keys', () => {
  it('are required on every POST of the API', async () => {
    const { send, post } = provider.api()
    const { id } = (await post('/v1/authorizations', charge())).body
    const headers = { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' }
    for (const [path, body] of [
      ['', charge()],
      [`/${id}/captures`, { amount: 1 }],
      [`/${id}/void`, {}],
      [`/${id}/refunds`, { amount: 1 }],
    ] as const) {
      const answer = await send('POST', `/v1/authorizations${path}`, headers, JSON.stringify(body))
      expect(answer).toMatchObject({ status: 400, body: { code: 'idempotency_key_missing' } })
    }
    expect(await entries()).toHaveLength(1)
  })

  it('repeat the stored answer of every operation, whatever came after it', async () => {
    const { post } = provider.api()
    const made = await post('/v1/authorizations', charge(), 'a')
    const path = `/v1/authorizations/${made.body['id']}`
    const captured = await post(`${path}/captures`, { amount: 4_000 }, 'c')
    const refunded = await post(`${path}/refunds`, { amount: 1_000 }, 'r')
    const voided = await post(`${path}/void`, undefined, 'v')
    const refused = await post(`${path}/captures`, { amount: 1 }, 'x')
    const declining = charge({ paymentMethod: 'pm_card_visa_chargeDeclined' })
    const declined = await post('/v1/authorizations', declining, 'd')
    expect([made, captured, refunded, voided, refused, declined].map(({ status }) => status)).toEqual([
      201, 201, 201, 201, 409, 402,
    ])
    const before = await entries()

    await provider.restart()
    const again = provider.api().post
    expect(await again('/v1/authorizations', charge(), 'a')).toEqual({ ...made, replayed: true })
    expect(await again(`${path}/captures`, { amount: 4_000 }, 'c')).toEqual({ ...captured, replayed: true })
    expect(await again(`${path}/refunds`, { amount: 1_000 }, 'r')).toEqual({ ...refunded, replayed: true })
    expect(await again(`${path}/void`, undefined, 'v')).toEqual({ ...voided, replayed: true })
    expect(await again(`${path}/captures`, { amount: 1 }, 'x')).toEqual({ ...refused, replayed: true })
    expect(await again('/v1/authorizations', declining, 'd')).toEqual({ ...declined, replayed: true })
    expect(await entries()).toEqual(before)
  })

  it('do not mind the order of fields', async () => {
    const { post } = provider.api()
    const first = await post('/v1/authorizations', charge(), 'a')
    const reversed = Object.fromEntries(Object.entries(charge()).toReversed())
    expect(await post('/v1/authorizations', reversed, 'a')).toEqual({ ...first, replayed: true })
  })

  it('with other parameters or another path are 400, also after a restart, and nothing happens', async () => {
    const { id } = (await provider.api().post('/v1/authorizations', charge(), 'a')).body
    for (let round = 0; round < 2; round += 1) {
      const { post } = provider.api()
      for (const [path, body] of [
        ['/v1/authorizations', charge({ amount: 10_001 })],
        ['/v1/authorizations', charge({ customer: 'other' })],
        [`/v1/authorizations/${id}/captures`, { amount: 10_000 }],
        [`/v1/authorizations/${id}/void`, undefined],
      ] as const) {
        expect(await post(path, body, 'a')).toMatchObject({
          status: 400,
          body: { code: 'idempotency_key_mismatch' },
        })
      }
      await provider.restart()
    }
    expect(await entries()).toHaveLength(1)
  })

  it('fifty at once with one key charge once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => provider.api().post('/v1/authorizations', charge(), 'a')),
    )
    const done = answers.filter(({ status }) => status === 201)
    expect(done.length + answers.filter(({ status }) => status === 409).length).toBe(50)
    expect(new Set(done.map(({ body }) => body['id'])).size).toBe(1)
    expect(done.filter(({ replayed }) => !replayed)).toHaveLength(1)
    expect(await entries()).toHaveLength(1)
  })

  it('are forgotten when their time is over: the same call charges again', async () => {
    await provider.restart({ PROVIDER_KEY_LIFETIME_HOURS: '2' })
    const { post, get } = provider.api()
    expect((await get('/v1/capabilities')).body).toMatchObject({ keyLifetimeHours: 2 })
    const first = await post('/v1/authorizations', charge(), 'a')
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 1.9 * 3_600_000 })
    expect(await post('/v1/authorizations', charge(), 'a')).toEqual({ ...first, replayed: true })
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 0.2 * 3_600_000 })
    const second = await post('/v1/authorizations', charge(), 'a')
    expect(second).toMatchObject({ status: 201, replayed: false })
    expect(second.body['id']).not.toBe(first.body['id'])
  })
})
