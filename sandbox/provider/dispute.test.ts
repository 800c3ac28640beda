import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { charge, startTestProvider, type TestProvider } from './test-provider.ts'

let provider: TestProvider
let path: string
beforeEach(async () => {
  provider = await startTestProvider()
  path = `/v1/authorizations/${(await provider.api().post('/v1/authorizations', charge())).body['id']}`
})
afterEach(() => provider.end())

const capture = () => provider.api().post(`${path}/captures`, { amount: 4_000 })
const dispute = (body: object) => provider.api().post(`${path}/dispute`, body)
const entries = async () => (await provider.api().get('/ledger')).body['data']

describe('a dispute', () => {
  it('takes what was captured, is decided once, and survives a restart', async () => {
    await capture()
    expect(await dispute({})).toMatchObject({
      status: 200,
      body: {
        captured: 4_000,
        disputes: [{ id: expect.stringMatching(/^dp_/), amount: 4_000, status: 'open' }],
      },
    })
    await provider.restart()
    expect(await dispute({ outcome: 'won' })).toMatchObject({ body: { disputes: [{ status: 'won' }] } })
    expect(await dispute({ amount: 1_000 })).toMatchObject({
      body: { disputes: [{ status: 'won' }, { amount: 1_000, status: 'open' }] },
    })
    expect(await dispute({ outcome: 'lost' })).toMatchObject({
      body: { disputes: [{ status: 'won' }, { status: 'lost' }] },
    })
    expect(await entries()).toHaveLength(6)
  })

  it.each<[string, () => unknown, object, number, string]>([
    ['what was not captured', () => {}, {}, 409, 'dispute_exceeds_captured'],
    ['more than was captured', capture, { amount: 4_001 }, 409, 'dispute_exceeds_captured'],
    ['what nobody disputes', capture, { outcome: 'won' }, 409, 'no_dispute_open'],
    ['an outcome that there is not', capture, { outcome: 'odd' }, 400, 'validation_failed'],
  ])('is refused for %s, and nothing happens', async (_what, prepare, body, status, code) => {
    await prepare()
    const before = await entries()
    expect(await dispute(body)).toMatchObject({ status, body: { code } })
    expect(await entries()).toEqual(before)
  })

  it('is one at a time', async () => {
    await capture()
    await dispute({})
    expect(await dispute({})).toMatchObject({ status: 409, body: { code: 'dispute_open' } })
  })
})
