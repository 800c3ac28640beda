import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import Type from 'typebox'
import { route } from '#contracts/http/route.ts'
import { Closed } from '#contracts/schemas.ts'
import { as, testServer } from '#tests/support/http.ts'
import { testOrders, type TestOrders } from '#tests/support/orders.ts'
import { addRoute } from './contract.ts'
import { oncePerKey, replayHeaders } from './once-per-key.ts'
import type { HttpServer } from './server.ts'

const count = route({
  method: 'PUT',
  url: '/counts/:id',
  summary: 'Counts',
  tag: 'counts',
  access: 'signed-in',
  idempotency: 'optional',
  schema: {
    params: Closed({ id: Type.String() }),
    body: Closed({ by: Type.Integer() }),
    response: { 200: Type.Object({ run: Type.Integer() }) },
  },
})

let app: HttpServer
let orders: TestOrders
let runs = 0
/** What keeps the next run from ending, if anything does. */
let hold: Promise<void> | undefined
beforeAll(async () => {
  orders = await testOrders()
  app = await testServer((server, verify) =>
    addRoute(server, verify, count, async (call) => {
      const { replayed, body } = await oncePerKey(orders.database, count, call, async (finish) => {
        runs += 1
        const answer = { status: 200, body: { run: runs } }
        await hold
        await finish(orders.database, answer)
        return answer
      })
      return { status: 200, body, headers: replayHeaders(replayed) }
    }),
  )
})

async function put(key: string | undefined, { who = 'ada', path = 'a', by = 1 } = {}) {
  const headers = { ...as('customer', who), ...(key === undefined ? {} : { 'idempotency-key': key }) }
  const answer = await app.inject({ method: 'PUT', url: `/counts/${path}`, headers, payload: { by } })
  const { run, code } = answer.json()
  return [answer.statusCode, run ?? code, answer.headers['idempotency-replayed']]
}

describe('oncePerKey', () => {
  it('runs every call that has no key', async () => {
    const before = runs
    expect([await put(undefined), await put(undefined)]).toEqual([
      [200, before + 1, undefined],
      [200, before + 2, undefined],
    ])
    expect(await orders.database.idempotencyKey.count()).toBe(0)
  })

  it('runs once per key; its repeat says so, and another body or path is another request', async () => {
    const [key, run] = [randomUUID(), runs + 1]
    expect(await put(key)).toEqual([200, run, undefined])
    expect(await put(key)).toEqual([200, run, 'true'])
    expect(await put(key, { by: 2 })).toEqual([422, 'idempotency_key_reused', undefined])
    expect(await put(key, { path: 'b' })).toEqual([422, 'idempotency_key_reused', undefined])
    expect(await put(key, { who: 'eve' })).toEqual([200, run + 1, undefined])
    expect(runs).toBe(run + 1)
  })

  it('is in progress while the first call runs', async () => {
    const key = randomUUID()
    const { promise, resolve } = Promise.withResolvers<void>()
    hold = promise
    const before = runs
    const first = put(key)
    await expect.poll(() => runs).toBe(before + 1)
    expect(await put(key)).toEqual([409, 'idempotency_in_progress', undefined])
    resolve()
    hold = undefined
    expect(await first).toEqual([200, before + 1, undefined])
    expect(await put(key)).toEqual([200, before + 1, 'true'])
  })
})
