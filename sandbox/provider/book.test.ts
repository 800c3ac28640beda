import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { API_KEY, createTestClient, temporaryFolder } from '../shared/test-support.ts'
import { charge, startTestProvider, type TestProvider } from './test-provider.ts'

let provider: TestProvider
beforeEach(async () => {
  provider = await startTestProvider()
})
const ended: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ended.splice(0).toReversed()) await end()
  await provider.end()
})

describe('a restart', () => {
  it('rebuilds every authorization from the ledger', async () => {
    const { post, get } = provider.api()
    const references = ['a', 'b', 'c', 'd', 'e']
    const ids: string[] = []
    for (const reference of references) {
      ids.push((await post('/v1/authorizations', charge({ reference }))).body['id'])
    }
    await post(`/v1/authorizations/${ids[1]}/captures`, { amount: 3_000 })
    await post(`/v1/authorizations/${ids[2]}/void`)
    await post(`/v1/authorizations/${ids[3]}/captures`, { amount: 2_000, final: true })
    await post(`/v1/authorizations/${ids[3]}/refunds`, { amount: 500 })
    await post('/v1/authorizations', charge({ reference: 'e', paymentMethod: 'pm_card_visa_chargeDeclined' }))
    const read = () =>
      Promise.all(references.map((reference) => get(`/v1/authorizations?reference=${reference}`)))
    const before = (await read()).map(({ body }) => body)
    expect(before[3]?.['data']).toMatchObject([{ captured: 2_000, released: 8_000, refunded: 500 }])
    expect(before[4]?.['data']).toHaveLength(2)

    const restarted = await provider.restart()
    const after = await Promise.all(
      references.map((reference) => restarted.get(`/v1/authorizations?reference=${reference}`)),
    )
    expect(after.map(({ body }) => body)).toEqual(before)
  })

  it('cuts a torn last line off, and writes on after it', async () => {
    const { id } = (await provider.api().post('/v1/authorizations', charge(), 'a')).body
    const whole = readFileSync(provider.ledger, 'utf8')
    await provider.restart()
    appendFileSync(provider.ledger, whole.slice(0, whole.length / 2))
    const { get, post } = await provider.restart()
    expect(readFileSync(provider.ledger, 'utf8')).toBe(whole)
    expect((await get('/v1/authorizations?reference=order-1:authorize:1')).body['data']).toMatchObject([
      { id },
    ])
    await post(`/v1/authorizations/${id}/captures`, { amount: 1 })
    const again = await provider.restart()
    expect((await again.get('/ledger')).body['data']).toHaveLength(2)
  })

  it('refuses a ledger with a line in it that is no entry', async () => {
    await provider.api().post('/v1/authorizations', charge())
    const whole = readFileSync(provider.ledger, 'utf8')
    writeFileSync(provider.ledger, `{"type":"authorization"}\n${whole}`)
    await expect(provider.restart()).rejects.toThrow(`${provider.ledger}:1 is not an entry`)
    writeFileSync(provider.ledger, whole)
  })

  it('after kill -9 knows everything that was answered', async () => {
    const folder = temporaryFolder()
    ended.push(async () => folder.remove())
    const environment = {
      ...process.env,
      PROVIDER_PORT: '0',
      PROVIDER_API_KEY: API_KEY,
      PROVIDER_LEDGER: folder.file('ledger.jsonl'),
    }
    const startProcess = async () => {
      const child = spawn(process.execPath, ['sandbox/provider/main.ts'], { env: environment })
      const url = await new Promise<string>((resolve, reject) => {
        let text = ''
        child.once('exit', () => reject(new Error(`it ended: ${text}`)))
        child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
        child.stdout.on('data', (chunk: Buffer) => {
          text += chunk.toString()
          const found = /"url":"([^"]+)"/.exec(text)?.[1]
          if (found !== undefined) resolve(found)
        })
      })
      const kill = async () => {
        if (child.kill('SIGKILL')) await once(child, 'exit')
      }
      return { ...createTestClient(url), kill }
    }
    const first = await startProcess()
    ended.push(first.kill)
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        first.post('/v1/authorizations', charge({ reference: `r-${index}` }), `k-${index}`),
      ),
    )
    await first.kill()
    const second = await startProcess()
    ended.push(second.kill)
    for (const [index, answer] of answers.entries()) {
      const again = await second.post('/v1/authorizations', charge({ reference: `r-${index}` }), `k-${index}`)
      expect(again).toEqual({ ...answer, replayed: true })
    }
    expect((await second.get('/ledger')).body['data']).toHaveLength(30)
  })
})
