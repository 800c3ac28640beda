import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { API_KEY } from '../shared/test-support.ts'
import { charge, startTestProvider, type TestProvider } from './test-provider.ts'

let provider: TestProvider
beforeAll(async () => {
  provider = await startTestProvider()
})
afterAll(() => provider.end())

const count = async (): Promise<number> => (await provider.api().get('/ledger')).body['data'].length

describe('who may call', () => {
  it.each([undefined, 'Bearer other', `Basic ${API_KEY}`])(
    'an authorization header of %j is 401 on every route of the API',
    async (authorization) => {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
      const { send } = provider.api()
      for (const [method, path] of [
        ['GET', '/v1/capabilities'],
        ['GET', '/v1/authorizations?reference=a'],
        ['GET', '/v1/authorizations/a'],
        ['GET', '/v1/payment-methods/pm_card_visa'],
        ['POST', '/v1/authorizations'],
        ['POST', '/v1/authorizations/a/captures'],
        ['POST', '/v1/authorizations/a/void'],
        ['POST', '/v1/authorizations/a/refunds'],
      ] as const) {
        expect(await send(method, path, headers)).toMatchObject({
          status: 401,
          body: { code: 'unauthenticated' },
        })
      }
      expect(await count()).toBe(0)
    },
  )

  it('checkers need no key for the ledger and the faults', async () => {
    const { send } = provider.api()
    expect((await send('GET', '/ledger', {})).status).toBe(200)
    expect((await send('POST', '/faults/clear', {})).status).toBe(200)
  })
})

describe('what is valid', () => {
  it.each([
    [{ amount: 0 }, 'amount'],
    [{ amount: -1 }, 'amount'],
    [{ amount: 1.5 }, 'amount'],
    [{ amount: '100' }, 'amount'],
    [{ amount: 1_000_000_000_001 }, 'amount'],
    [{ currency: 'eur' }, 'currency'],
    [{ reference: '' }, 'reference'],
    [{ reference: undefined }, 'reference'],
    [{ card: '4242424242424242' }, 'card'],
  ])('an authorization with %j is refused by name', async (changed, path) => {
    const before = await count()
    const answer = await provider.api().post('/v1/authorizations', charge(changed))
    expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed', errors: [{ path }] } })
    expect(await count()).toBe(before)
  })

  it('captures, voids and refunds refuse unknown fields and amounts that are none', async () => {
    const { post, get } = provider.api()
    const { id } = (await post('/v1/authorizations', charge())).body
    const before = await count()
    for (const [path, body] of [
      ['captures', { amount: 0 }],
      ['captures', { amount: 1, all: true }],
      ['captures', { amount: 1, final: 'yes' }],
      ['captures', {}],
      ['void', { amount: 1 }],
      ['refunds', { amount: 0 }],
      ['refunds', { amount: 1, to: 'me' }],
    ] as const) {
      expect(await post(`/v1/authorizations/${id}/${path}`, body)).toMatchObject({ status: 400 })
    }
    expect(await count()).toBe(before)
    expect((await get(`/v1/authorizations/${id}`)).body).toMatchObject({ captured: 0, released: 0 })
    expect((await post(`/v1/authorizations/${id}/void`, {})).status).toBe(201)
  })

  it('an authorization that nobody made is 404', async () => {
    const { post, get } = provider.api()
    expect((await get('/v1/authorizations/auth_none')).status).toBe(404)
    expect((await post('/v1/authorizations/auth_none/captures', { amount: 1 })).status).toBe(404)
    expect((await post('/v1/authorizations/auth_none/void')).status).toBe(404)
    expect((await post('/v1/authorizations/auth_none/refunds', { amount: 1 })).status).toBe(404)
  })

  it('a lookup needs a reference', async () => {
    expect((await provider.api().get('/v1/authorizations')).status).toBe(400)
    expect((await provider.api().get('/v1/authorizations?reference=nobody')).body).toEqual({ data: [] })
  })
})

describe('health', () => {
  it('is answered without a key', async () => {
    expect(await provider.api().send('GET', '/health', {})).toMatchObject({
      status: 200,
      body: { status: 'healthy' },
    })
  })
})
