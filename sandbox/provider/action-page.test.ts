import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { charge, startTestProvider, type TestProvider } from './test-provider.ts'

let provider: TestProvider
beforeEach(async () => {
  provider = await startTestProvider()
})
afterEach(async () => {
  vi.useRealTimers()
  await provider.end()
})

async function begin() {
  const { post, url } = provider.api()
  const answer = await post(
    '/v1/authorizations',
    charge({ paymentMethod: 'pm_card_authenticationRequired' }),
    'a',
  )
  expect(answer).toMatchObject({ status: 201, body: { status: 'requires_action', amount: 10_000 } })
  const page = String(answer.body['nextAction'].url)
  expect(page.startsWith(`${url}/authentications/`)).toBe(true)
  return { id: String(answer.body['id']), path: page.slice(url.length), answer }
}

/** As a browser sends a form without fields. */
const press = (path: string, button: 'approve' | 'decline') =>
  provider
    .api()
    .send('POST', `${path}/${button}`, { 'content-type': 'application/x-www-form-urlencoded' }, '')
const page = async (path: string) => String((await provider.api().send('GET', path, {})).body['text'])
const read = async (id: string) => (await provider.api().get(`/v1/authorizations/${id}`)).body

describe('a method that needs the customer', () => {
  it('has no money before the customer approved', async () => {
    const { id, answer } = await begin()
    const { post } = provider.api()
    for (const [operation, body] of [
      ['captures', { amount: 1 }],
      ['refunds', { amount: 1 }],
    ] as const) {
      expect(await post(`/v1/authorizations/${id}/${operation}`, body)).toMatchObject({
        status: 409,
        body: { code: 'authorization_requires_action' },
      })
    }
    expect(await read(id)).toEqual(answer.body)
  })

  it('is authorized by the page, also after a restart, once', async () => {
    const { id, path } = await begin()
    expect(await page(path)).toContain('100.00 EUR')
    await provider.restart()
    expect(await page(path)).toContain('Approve</button>')
    const shown = await press(path, 'approve')
    expect(shown).toMatchObject({ status: 200, contentType: 'text/html; charset=utf-8' })
    expect(shown.body['text']).toContain('You approved')
    expect(shown.body['text']).not.toContain('<button')
    await press(path, 'decline')
    expect(await read(id)).toMatchObject({ status: 'authorized' })
    expect(await read(id)).not.toHaveProperty('nextAction')
    expect((await provider.api().get('/ledger')).body['data']).toHaveLength(2)
    expect((await provider.api().post(`/v1/authorizations/${id}/captures`, { amount: 10_000 })).status).toBe(
      201,
    )
  })

  it('is declined by the page', async () => {
    const { id, path } = await begin()
    await press(path, 'decline')
    await press(path, 'approve')
    expect(await read(id)).toMatchObject({ status: 'declined', declineCode: 'authentication_failed' })
    expect(await page(path)).toContain('You declined')
  })

  it('can be given up; then the page approves nothing', async () => {
    const { id, path } = await begin()
    expect(await provider.api().post(`/v1/authorizations/${id}/void`)).toMatchObject({
      status: 201,
      body: { status: 'voided', released: 0 },
    })
    await press(path, 'approve')
    expect(await read(id)).toMatchObject({ status: 'voided' })
    expect(await page(path)).toContain('was given up')
  })

  it('expires; then the page approves nothing', async () => {
    const { id, path } = await begin()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 169 * 3_600_000 })
    await press(path, 'approve')
    expect(await read(id)).toMatchObject({ status: 'expired', released: 0 })
    expect(await page(path)).toContain('has expired')
  })

  it('has a page only for those who know its token', async () => {
    const { id } = await begin()
    expect((await provider.api().send('GET', `/authentications/${id}`, {})).status).toBe(404)
    expect((await press('/authentications/guess', 'approve')).status).toBe(404)
    expect(await read(id)).toMatchObject({ status: 'requires_action' })
  })

  it('has a page that nothing else can frame or script', async () => {
    const { path } = await begin()
    const response = await fetch(provider.api().url + path)
    expect(response.headers.get('content-security-policy')).toMatch(
      /^default-src 'none'.*frame-ancestors 'none'$/,
    )
    expect(response.headers.get('referrer-policy')).toBe('no-referrer')
  })
})
