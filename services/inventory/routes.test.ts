import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { as, testServer } from '#tests/support/http.ts'
import { testInventory } from '#tests/support/inventory.ts'
import { createAdjustStock } from './adjust-stock.ts'
import { createFindProducts } from './find-products.ts'
import { createPutProduct } from './put-product.ts'
import { createReadStock } from './read-stock.ts'
import { createRemoveProduct } from './remove-product.ts'
import { createReserveStock } from './reserve-stock.ts'
import { addInventoryRoutes } from './routes.ts'

const { database, transact, granting, stock, levels, events, payloads, wrongStock } = await testInventory()
const app = await testServer((server, verifyCaller) =>
  addInventoryRoutes(server, verifyCaller, {
    database,
    findProducts: createFindProducts(database),
    putProduct: createPutProduct({ transact }),
    removeProduct: createRemoveProduct({ transact }),
    readStock: createReadStock(database),
    adjustStock: createAdjustStock({ database, transact }),
  }),
)
const operator = as('operator', randomUUID())
const customer = as('customer', randomUUID())

const fields = { name: 'A thing', price: 1_250, currency: 'EUR', taxClass: 'standard', weightGrams: 100 }

const put = (sku: string, changes: object = {}, headers: Record<string, string> = {}) =>
  app.inject({
    method: 'PUT',
    url: `/api/v1/products/${sku}`,
    headers: { ...operator, ...headers },
    payload: { ...fields, ...changes },
  })

const remove = (sku: string, headers: Record<string, string> = {}) =>
  app.inject({ method: 'DELETE', url: `/api/v1/products/${sku}`, headers: { ...operator, ...headers } })

const get = (url: string, headers = operator) => app.inject({ method: 'GET', url: `/api/v1/${url}`, headers })

const statusesOf = (answers: { statusCode: number }[]) => {
  const counts: Record<number, number> = {}
  for (const { statusCode } of answers) counts[statusCode] = (counts[statusCode] ?? 0) + 1
  return counts
}

describe('PUT /products/:sku', () => {
  it('creates, changes and announces, each version once', async () => {
    const created = await put('P-1')
    expect([created.statusCode, created.headers.etag]).toEqual([201, '"1"'])
    expect(created.json()).toEqual({
      sku: 'P-1',
      ...fields,
      active: true,
      available: 0,
      version: 1,
      updatedAt: expect.any(String),
    })
    const same = await put('P-1')
    expect([same.statusCode, same.headers.etag]).toEqual([200, '"1"'])
    const changed = await put('P-1', { price: 1_300 })
    expect([changed.statusCode, changed.headers.etag, changed.json().price]).toEqual([200, '"2"', 1_300])
    expect(await events('P-1')).toEqual([
      [1, 'product.changed'],
      [2, 'product.changed'],
    ])
    expect((await payloads('P-1'))[1]).toEqual({ sku: 'P-1', ...fields, price: 1_300, active: true })
  })

  it('changes only the version that the client has read', async () => {
    await put('P-2')
    expect((await put('P-2', { price: 1 }, { 'if-match': '"1"' })).statusCode).toBe(200)
    for (const sku of ['P-2', 'P-NONE']) {
      const stale = await put(sku, { price: 2 }, { 'if-match': '"1"' })
      expect([stale.statusCode, stale.json().code]).toEqual([412, 'stale_version'])
    }
    expect((await get('products/P-2')).json()).toMatchObject({ price: 1, version: 2 })
    expect((await get('products/P-NONE')).statusCode).toBe(404)
  })

  it('lets one of ten changes of the same version through', async () => {
    await put('P-3')
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => put('P-3', { price: 2_000 + index }, { 'if-match': '"1"' })),
    )
    expect(statusesOf(answers)).toEqual({ 200: 1, 412: 9 })
    expect(await events('P-3')).toHaveLength(2)
  })

  it('numbers changes at the same time without gaps', async () => {
    await Promise.all(Array.from({ length: 10 }, (_, index) => put('P-4', { price: 3_000 + index })))
    expect((await events('P-4')).map(([version]) => version)).toEqual(
      Array.from({ length: 10 }, (_, i) => i + 1),
    )
  })

  it('is changed once per key, and a repeat shows what it was then', async () => {
    const key = { 'idempotency-key': 'put-6' }
    const first = await put('P-6', {}, key)
    await put('P-6', { price: 9 })
    const again = await put('P-6', {}, key)
    const { 'idempotency-replayed': replayed, etag } = again.headers
    expect([again.statusCode, again.json(), etag, replayed]).toEqual([201, first.json(), '"1"', 'true'])
    expect((await put('P-6', { price: 8 }, key)).json().code).toBe('idempotency_key_reused')
    expect((await get('products/P-6')).json()).toMatchObject({ price: 9, version: 2 })
    // what was refused has used no key up
    const stale = await put('P-6', { price: 7 }, { 'idempotency-key': 'put-7', 'if-match': '"1"' })
    const fresh = await put('P-6', { price: 7 }, { 'idempotency-key': 'put-7', 'if-match': '"2"' })
    expect([stale.statusCode, fresh.statusCode]).toEqual([412, 200])
  })

  it('refuses currencies that are none and strangers', async () => {
    const unknown = await put('P-5', { currency: 'ABC' })
    expect([unknown.statusCode, unknown.json().code]).toEqual([422, 'currency_unknown'])
    expect((await put('P-5', { surprise: 1 })).json().errors).toEqual([
      { path: 'surprise', message: 'is not a known field' },
    ])
    expect((await put('P-5', {}, customer)).statusCode).toBe(403)
    expect((await get('products/P-5')).statusCode).toBe(404)
  })
})

describe('DELETE /products/:sku', () => {
  it('takes the product off sale, once', async () => {
    await put('D-1')
    expect((await remove('D-1')).statusCode).toBe(204)
    expect((await remove('D-1')).statusCode).toBe(204)
    expect(await events('D-1')).toHaveLength(2)
    expect((await payloads('D-1'))[1]).toMatchObject({ active: false })
    expect((await get('products/D-1', customer)).statusCode).toBe(404)
    expect((await get('products/D-1')).json()).toMatchObject({ active: false, version: 2 })
  })

  it('is once per key: a repeat leaves alone what was put on sale again', async () => {
    await put('D-3')
    const key = { 'idempotency-key': 'remove-3' }
    expect((await remove('D-3', key)).headers['idempotency-replayed']).toBeUndefined()
    await put('D-3')
    const again = await remove('D-3', key)
    expect([again.statusCode, again.body, again.headers['idempotency-replayed']]).toEqual([204, '', 'true'])
    expect((await get('products/D-3')).json()).toMatchObject({ active: true, version: 3 })
    expect((await remove('D-2', key)).statusCode).toBe(422)
  })

  it('knows which products there are, and which version', async () => {
    expect((await remove('D-NONE')).statusCode).toBe(404)
    await put('D-2')
    expect((await remove('D-2', { 'if-match': '"7"' })).statusCode).toBe(412)
    expect((await get('products/D-2', customer)).statusCode).toBe(200)
  })
})

describe('GET /products', () => {
  it('goes through every product once, page by page', async () => {
    for (const sku of ['LIST-A', 'LIST-B', 'LIST-C', 'LIST-D', 'LIST-E']) await put(sku, { name: 'Listed' })
    await remove('LIST-C')
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const url: string = `products?q=listed&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`
      const page = (await get(url, customer)).json<{ data: { sku: string }[]; nextCursor: string | null }>()
      seen.push(...page.data.map(({ sku }) => sku))
      cursor = page.nextCursor
    }
    expect(seen).toEqual(['LIST-A', 'LIST-B', 'LIST-D', 'LIST-E'])
    expect((await get('products?q=LIST-')).json().data).toHaveLength(5)
  })

  it('searches for the text as it is', async () => {
    await put('WILD-1', { name: '100% wool_blend' })
    await put('WILD-2', { name: String.raw`back\slash` })
    const found = async (q: string) =>
      (await get(`products?q=${encodeURIComponent(q)}`)).json().data.map(({ sku }: { sku: string }) => sku)
    expect(await found('0% w')).toEqual(['WILD-1'])
    expect(await found('L_B')).toEqual(['WILD-1'])
    expect(await found('\\')).toEqual(['WILD-2'])
    expect(await found('1__%')).toEqual([])
  })

  it('shows what can be ordered now', async () => {
    await stock('AV-1', { AMS: 5, LJU: 2 })
    const reserveStock = createReserveStock(granting)
    await reserveStock({ orderId: randomUUID(), lines: [{ sku: 'AV-1', quantity: 6 }] })
    expect((await get('products/AV-1', customer)).json()).toMatchObject({ available: 1 })
  })

  it('refuses a cursor that it did not give out', async () => {
    for (const cursor of ['nonsense', Buffer.from('["a","b"]').toString('base64url')]) {
      const answer = await get(`products?cursor=${cursor}`, customer)
      expect([answer.statusCode, answer.json().code]).toEqual([400, 'invalid_cursor'])
    }
  })
})

describe('stock', () => {
  const adjust = (sku: string, body: object, key: string | undefined = randomUUID(), headers = operator) =>
    app.inject({
      method: 'POST',
      url: `/api/v1/stock/${sku}/adjustments`,
      headers: { ...headers, ...(key === undefined ? {} : { 'idempotency-key': key }) },
      payload: body,
    })

  it('is received and written off, with its ledger and events', async () => {
    await stock('A-1', {})
    const received = await adjust('A-1', { warehouse: 'AMS', delta: 7, reason: 'delivery' })
    expect(received.statusCode).toBe(201)
    expect(received.json()).toEqual({
      id: expect.any(String),
      sku: 'A-1',
      warehouse: 'AMS',
      delta: 7,
      reason: 'delivery',
      onHand: 7,
      createdAt: expect.any(String),
    })
    expect((await adjust('A-1', { warehouse: 'AMS', delta: -3, reason: 'broken' })).json().onHand).toBe(4)
    expect(await events('A-1:AMS')).toEqual([
      [1, 'stock.adjusted'],
      [2, 'stock.adjusted'],
    ])
    expect((await get('stock/A-1')).json()).toEqual({
      sku: 'A-1',
      warehouses: [{ warehouse: 'AMS', onHand: 4, held: 0, committed: 0, available: 4 }],
    })
    expect(await wrongStock()).toEqual([])
  })

  it('is adjusted once per key, and a repeat is told so', async () => {
    await stock('A-2', {})
    const body = { warehouse: 'AMS', delta: 5, reason: 'delivery' }
    const first = await adjust('A-2', body, 'key-1')
    const again = await adjust('A-2', body, 'key-1')
    expect(again.statusCode).toBe(201)
    expect(again.json()).toEqual(first.json())
    expect([first.headers['idempotency-replayed'], again.headers['idempotency-replayed']]).toEqual([
      undefined,
      'true',
    ])
    const other = await adjust('A-2', { ...body, delta: 6 }, 'key-1')
    expect([other.statusCode, other.json().code]).toEqual([422, 'idempotency_key_reused'])
    const missing = await app.inject({
      method: 'POST',
      url: '/api/v1/stock/A-2/adjustments',
      headers: operator,
      payload: body,
    })
    expect([missing.statusCode, missing.json().code]).toEqual([400, 'idempotency_key_missing'])
    expect(await levels('A-2')).toEqual({ AMS: [5, 0, 0] })
  })

  it('never falls below what is promised', async () => {
    await stock('A-3', { AMS: 10 })
    const reserveStock = createReserveStock(granting)
    await reserveStock({ orderId: randomUUID(), lines: [{ sku: 'A-3', quantity: 4 }] })
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => adjust('A-3', { warehouse: 'AMS', delta: -1, reason: 'broken' })),
    )
    expect(statusesOf(answers)).toEqual({ 201: 6, 409: 4 })
    const refused = answers.find(({ statusCode }) => statusCode === 409)
    expect(refused!.json().code).toBe('insufficient_stock')
    expect(await levels('A-3')).toEqual({ AMS: [4, 4, 0] })
    expect(await wrongStock()).toEqual([])
  })

  it('is refused again with the same key, and can be tried with another', async () => {
    await stock('A-4', {})
    const writeOff = { warehouse: 'LJU', delta: -1, reason: 'broken' }
    expect((await adjust('A-4', writeOff, 'key-2')).statusCode).toBe(409)
    await adjust('A-4', { warehouse: 'LJU', delta: 1, reason: 'delivery' })
    const repeated = await adjust('A-4', writeOff, 'key-2')
    expect([repeated.statusCode, repeated.headers['idempotency-replayed']]).toEqual([409, 'true'])
    expect(repeated.json().code).toBe('insufficient_stock')
    expect((await adjust('A-4', writeOff, 'key-3')).statusCode).toBe(201)
  })

  it('has products and warehouses that are known, and sane amounts', async () => {
    await stock('A-5', {})
    const body = { warehouse: 'AMS', delta: 1, reason: 'delivery' }
    expect((await adjust('A-NONE', body)).statusCode).toBe(404)
    expect((await get('stock/A-NONE')).statusCode).toBe(404)
    expect((await adjust('A-5', { ...body, warehouse: 'XXX' })).json().code).toBe('warehouse_unknown')
    expect((await adjust('A-5', { ...body, delta: 0 })).statusCode).toBe(400)
    expect((await adjust('A-5', body, 'key-3', customer)).statusCode).toBe(403)
    expect(await levels('A-5')).toEqual({})
  })

  it('lies in warehouses, in the order of their priority', async () => {
    expect((await get('warehouses')).json()).toEqual({
      data: [
        { code: 'AMS', name: 'Amsterdam', priority: 1 },
        { code: 'LJU', name: 'Ljubljana', priority: 2 },
      ],
      nextCursor: null,
    })
    expect((await get('warehouses', customer)).statusCode).toBe(403)
  })
})
