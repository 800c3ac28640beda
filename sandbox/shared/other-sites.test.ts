import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestCarriers } from '../carrier/test-carrier.ts'
import { startTestProvider, type TestProvider } from '../provider/test-provider.ts'

let provider: TestProvider
const carriers = createTestCarriers()
const urls: Record<string, string> = {}
beforeAll(async () => {
  provider = await startTestProvider()
  urls['provider'] = provider.api().url
  urls['carrier'] = (await carriers.start()).url
})
afterAll(async () => {
  await provider.end()
  await carriers.end()
})

/** As a browser sends it, which `fetch` here will not: the status. */
const send = (name: string, method: string, path: string, headers: Record<string, string>): Promise<number> =>
  new Promise((resolve, reject) => {
    request(`${urls[name]}${path}`, { method, headers }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode ?? 0))
    })
      .on('error', reject)
      .end()
  })

describe.each(['provider', 'carrier'])('the %s', (name) => {
  it.each([
    ['a name that was pointed at this machine', { host: 'evil.example' }],
    ['a page of another site', { origin: 'https://evil.example' }],
    ['a page that hides its site', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['a page that hides everything', { origin: 'null' }],
    ['a page whose site is none', { origin: 'nonsense' }],
  ])('answers nothing to %s', async (_what, headers) => {
    expect(await send(name, 'GET', '/ledger', headers)).toBe(403)
    expect(await send(name, 'POST', '/faults/clear', headers)).toBe(403)
  })

  it.each([
    ['programs', {}],
    ['its other name', { host: 'localhost:8090' }],
    ['its third name', { host: '[::1]:8090' }],
    ['pages of this machine', { origin: 'http://localhost:3000' }],
    ['its own pages, which send no referrer', { origin: 'null', 'sec-fetch-site': 'same-origin' }],
  ])('answers to %s', async (_what, headers) => {
    expect(await send(name, 'POST', '/faults/clear', headers)).toBe(200)
  })
})

it('elsewhere has other names, as between containers', async () => {
  await provider.restart({ HOST: '0.0.0.0' })
  urls['provider'] = provider.api().url.replace('0.0.0.0', '127.0.0.1')
  expect(await send('provider', 'GET', '/ledger', { host: 'provider:8090' })).toBe(200)
})
