import { afterEach, describe, expect, it } from 'vitest'
import { startProvider } from './main.ts'
import {
  API_KEY,
  isSigned,
  startReceiver,
  temporaryFolder,
  until,
  WEBHOOK_SECRET,
} from '../shared/test-support.ts'
import { charge, startTestProvider } from './test-provider.ts'

const ended: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).toReversed()) await end()
})

async function start(answers: number[] = []) {
  const receiver = await startReceiver('provider-signature', answers)
  ended.push(() => receiver.stop())
  const provider = await startTestProvider({
    PROVIDER_WEBHOOK_URL: receiver.url,
    PROVIDER_WEBHOOK_SECRET: WEBHOOK_SECRET,
    PROVIDER_WEBHOOK_RETRY_MS: '20',
  })
  ended.push(() => provider.end())
  const types = () => receiver.received.map(({ body }) => body['type'])
  return { receiver, provider, types }
}

describe("the provider's webhooks", () => {
  it('tell every change, signed, with ids and sums only', async () => {
    const { receiver, provider, types } = await start()
    const { post, send, url } = provider.api()
    const { id } = (await post('/v1/authorizations', charge())).body
    await post(`/v1/authorizations/${id}/captures`, { amount: 4_000 })
    await post(`/v1/authorizations/${id}/captures`, { amount: 40_000 })
    await post(`/v1/authorizations/${id}/refunds`, { amount: 1_000 })
    await post(`/v1/authorizations/${id}/void`)
    await post('/v1/authorizations', charge({ paymentMethod: 'pm_card_visa_chargeDeclined' }))
    await until(() => receiver.received.length === 5)
    expect(new Set(types())).toEqual(
      new Set([
        'authorization.authorized',
        'authorization.captured',
        'authorization.declined',
        'authorization.refunded',
        'authorization.voided',
      ]),
    )
    expect(receiver.received.find(({ body }) => body['type'] === 'authorization.voided')?.body).toEqual({
      id: expect.stringMatching(/^evt_/),
      type: 'authorization.voided',
      createdAt: expect.any(String),
      data: {
        authorizationId: id,
        reference: 'order-1:authorize:1',
        figures: { status: 'authorized', captured: 4_000, refunded: 1_000, released: 6_000 },
      },
    })
    expect(receiver.received.every((got) => isSigned(got, WEBHOOK_SECRET))).toBe(true)

    const waiting = await post(
      '/v1/authorizations',
      charge({ paymentMethod: 'pm_card_authenticationRequired' }),
    )
    await send('POST', `${String(waiting.body['nextAction'].url).slice(url.length)}/approve`, {})
    await until(() => receiver.received.length === 6)
    expect(receiver.received.at(-1)?.body).toMatchObject({
      type: 'authorization.authorized',
      data: { authorizationId: waiting.body['id'] },
    })
  })

  it('that were not taken before a restart are sent after it', async () => {
    const { receiver, provider, types } = await start([503, 503, 503])
    await provider.restart({ PROVIDER_WEBHOOK_RETRY_MS: '60000' })
    await provider.api().post('/v1/authorizations', charge())
    const entries = async () =>
      (await provider.api().get('/ledger?reference=order-1:authorize:1')).body['data']
    // the effect, and each try with what came of it
    await until(async () => (await entries()).length === 2)
    await provider.restart({ PROVIDER_WEBHOOK_RETRY_MS: '60000' })
    await until(async () => (await entries()).length === 3)
    await provider.restart()
    await until(() => receiver.received.length === 4)
    expect(new Set(receiver.received.map(({ body }) => body['id'])).size).toBe(1)
    expect(new Set(types())).toEqual(new Set(['authorization.authorized']))
    await until(async () => (await entries()).length === 5)
    await provider.restart()
    expect((await entries()).map(({ outcome }: { outcome?: string }) => outcome)).toEqual([
      undefined,
      'failed',
      'failed',
      'failed',
      'delivered',
    ])
    expect(receiver.received).toHaveLength(4)
  })

  it('without a URL there are none, and later nobody hears of that time', async () => {
    const { receiver, provider } = await start()
    await provider.restart({ PROVIDER_WEBHOOK_URL: '' })
    await provider.api().post('/v1/authorizations', charge())
    await provider.restart()
    const { id } = (await provider.api().post('/v1/authorizations', charge())).body
    await until(() => receiver.received.length === 1)
    expect(receiver.received[0]?.body['data']).toMatchObject({ authorizationId: id })
  })

  it('need a secret', async () => {
    const folder = temporaryFolder()
    const environment = {
      PROVIDER_PORT: '0',
      PROVIDER_API_KEY: API_KEY,
      PROVIDER_LEDGER: folder.file('l.jsonl'),
    }
    await expect(
      startProvider({ ...environment, PROVIDER_WEBHOOK_URL: 'http://127.0.0.1:9' }),
    ).rejects.toThrow('needs a secret')
    folder.remove()
  })
})
