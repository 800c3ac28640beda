import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { testOrders, type TestOrders } from '#tests/support/orders.ts'
import { constraintOf, inTransaction } from './database.ts'
import { createLogger } from './logger.ts'

let orders: TestOrders
beforeAll(async () => {
  orders = await testOrders(3)
})

const failureOf = (work: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(work).then(
    () => undefined,
    (error: unknown) => error,
  )

const product = {
  sku: 'TEE',
  name: 'x',
  price: 1n,
  currency: 'EUR',
  taxClass: 'zero',
  weightGrams: 1,
  active: true,
}
const line = {
  position: 0,
  sku: 'A',
  name: 'A',
  quantity: 1,
  unitPrice: 1n,
  total: 1n,
  tax: 0n,
  taxClass: 'zero',
  weightGrams: 0,
}
const key = {
  caller: 'c',
  key: 'k',
  fingerprint: 'f',
  token: randomUUID(),
  leaseUntil: new Date(),
  expiresAt: new Date(),
}

describe('constraintOf, with what PostgreSQL and Prisma really throw', () => {
  it('names a unique constraint, through raw SQL and through the API', async () => {
    const { database } = orders
    const raw = failureOf(database.$executeRaw`
      INSERT INTO catalog_products SELECT * FROM catalog_products WHERE sku = 'TEE'`)
    expect(constraintOf(await raw)).toBe('catalog_products_pkey')
    const api = failureOf(database.catalogProduct.create({ data: product }))
    expect(constraintOf(await api)).toBe('catalog_products_pkey')
    await database.idempotencyKey.create({ data: key })
    expect(constraintOf(await failureOf(database.idempotencyKey.create({ data: key })))).toBe(
      'idempotency_keys_pkey',
    )
  })

  it('names a unique index, which is no constraint of its own', async () => {
    const insert = () => orders.database.$executeRaw`
      INSERT INTO outbox (event_id, aggregate_id, version, shard, type, payload)
      VALUES (gen_random_uuid(), 'a', 1, 0, 'x', '{}')`
    await insert()
    expect(constraintOf(await failureOf(insert()))).toBe('outbox_aggregate_version')
    const api = orders.database.outbox.create({
      data: { eventId: randomUUID(), aggregateId: 'a', version: 1, shard: 0, type: 'x', payload: {} },
    })
    expect(constraintOf(await failureOf(api))).toBe('outbox_aggregate_version')
  })

  it('names a check constraint, through raw SQL and through the API', async () => {
    const { database } = orders
    const order = await orders.place()
    const raw = database.$executeRaw`UPDATE orders SET status = 'imagined' WHERE id = ${order.id}::uuid`
    expect(constraintOf(await failureOf(raw))).toBe('orders_status_check')
    const api = database.order.update({ where: { id: order.id }, data: { currency: 'euro' } })
    expect(constraintOf(await failureOf(api))).toBe('orders_currency_check')
  })

  it('names a foreign key, through raw SQL and through the API', async () => {
    const { database } = orders
    const raw = database.$executeRaw`INSERT INTO workflow_starts (order_id) VALUES (${randomUUID()}::uuid)`
    expect(constraintOf(await failureOf(raw))).toBe('workflow_starts_order_id_fkey')
    const api = database.orderLine.create({ data: { ...line, orderId: randomUUID() } })
    expect(constraintOf(await failureOf(api))).toBe('order_lines_order_id_fkey')
  })

  it('names it inside a transaction too', async () => {
    const failed = inTransaction(orders.database, async (tx) => {
      await tx.$executeRaw`INSERT INTO catalog_products SELECT * FROM catalog_products WHERE sku = 'TEE'`
    })
    expect(constraintOf(await failureOf(failed))).toBe('catalog_products_pkey')
  })

  it('names nothing for other errors, whatever their text quotes', async () => {
    const { database } = orders
    expect(constraintOf(await failureOf(database.$queryRaw`SELECT 1 / 0`))).toBeUndefined()
    expect(constraintOf(await failureOf(database.$queryRaw`SELECT * FROM nowhere`))).toBeUndefined()
    expect(constraintOf(new Error('violates constraint "users_email_key"'))).toBeUndefined()
    expect(constraintOf(undefined)).toBeUndefined()
    expect(constraintOf('constraint')).toBeUndefined()
    const circular: { self?: unknown } = {}
    circular.self = circular
    expect(constraintOf(circular)).toBeUndefined()
  })
})

describe('a log of such an error', () => {
  it('shows nothing of the row that was refused', async () => {
    const order = await orders.place()
    const error = await failureOf(
      orders.database.$executeRaw`UPDATE orders SET status = 'imagined' WHERE id = ${order.id}::uuid`,
    )
    let text = ''
    createLogger({ service: 'test', destination: { write: (chunk) => (text += chunk) } }).error({
      err: error,
    })
    expect(text).toContain('orders_status_check')
    expect(text).not.toContain('Ada Lovelace')
    expect(text).not.toContain('Keizersg')
  })
})

describe('inTransaction', () => {
  it('leaves nothing behind when the work fails', async () => {
    const before = await orders.counts()
    const failed = inTransaction(orders.database, async (tx) => {
      await tx.$executeRaw`DELETE FROM outbox`
      throw new Error('changed my mind')
    })
    await expect(failed).rejects.toThrow('changed my mind')
    expect(await orders.counts()).toEqual(before)
  })
})
