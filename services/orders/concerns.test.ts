import { beforeAll, describe, expect, it } from 'vitest'
import { testOrders, type TestOrders } from '#tests/support/orders.ts'
import { createRaiseAttention } from './attention.ts'
import { createRaiseConcern, createSettleConcern, raiseConcern, resolveConcerns } from './concerns.ts'
import { createListAttention } from './list-attention.ts'
import { createListOrders } from './list-orders.ts'
import { findOrder } from './store.ts'

let orders: TestOrders
let raise: ReturnType<typeof createRaiseConcern>
let settle: ReturnType<typeof createSettleConcern>
beforeAll(async () => {
  orders = await testOrders(20)
  raise = createRaiseConcern(orders.transact)
  settle = createSettleConcern(orders.transact)
})

const overdue = (orderId: string, parcel = 1) => ({
  orderId,
  source: `shipment:${parcel}:overdue`,
  step: 'ship',
  operation: 'deliver',
  error: 'It has not arrived.',
})
const orderOf = async (id: string) => (await findOrder(orders.database, id, null))!

describe('a concern', () => {
  it('is raised once per source, and is an event and a mark on the order', async () => {
    const { id } = await orders.place()
    await Promise.all(Array.from({ length: 10 }, () => raise(overdue(id))))
    expect(await orderOf(id)).toMatchObject({ needsAttention: true, waitingFor: null, version: 2 })
    expect(await orders.events(id)).toEqual([
      [1, 'order.created'],
      [2, 'order.attention_raised'],
    ])
    await raise(overdue(id, 2))
    expect((await orderOf(id)).version).toBe(3)
  })

  it('that has settled itself is gone; what comes up again is a new question', async () => {
    const { id } = await orders.place()
    await raise(overdue(id))
    const settled = { orderId: id, source: overdue(id).source, note: 'It has arrived.' }
    await Promise.all(Array.from({ length: 5 }, () => settle(settled)))
    expect(await orderOf(id)).toMatchObject({ needsAttention: false, version: 3 })
    await Promise.all(Array.from({ length: 5 }, () => raise(overdue(id))))
    expect(await orderOf(id)).toMatchObject({ needsAttention: true, version: 4 })
    expect((await orders.events(id)).map(([, type]) => type)).toEqual([
      'order.created',
      'order.attention_raised',
      'order.attention_cleared',
      'order.attention_raised',
    ])
  })

  it('that was never raised has nothing to settle', async () => {
    const { id } = await orders.place()
    const before = await orders.counts()
    await settle({ orderId: id, source: 'none', note: 'n' })
    expect(await orders.counts()).toEqual(before)
  })

  it('has a since of its own, also of several in one transaction: an answer names one of them', async () => {
    const { id } = await orders.place()
    await orders.transact(async (tx) => {
      for (let index = 0; index < 5; index++) await raiseConcern(tx, overdue(id, index))
    })
    const rows = await orders.database.concern.findMany({ where: { orderId: id }, orderBy: { since: 'asc' } })
    expect(new Set(rows.map(({ since }) => since.getTime())).size).toBe(5)
    expect(rows.map(({ source }) => source)).toEqual(
      [0, 1, 2, 3, 4].map((index) => overdue(id, index).source),
    )
  })

  it('is not raised for the moment of what its saga asks', async () => {
    const { id } = await orders.place()
    const since = new Date(Date.now() + 60_000).toISOString()
    const question = { step: 'p', operation: 'capture', error: 'e', attempts: 4, since }
    await createRaiseAttention(orders.transact)({ orderId: id, ...question })
    await raise(overdue(id, 1))
    const [row] = await orders.database.concern.findMany({ where: { orderId: id } })
    expect(row?.since).toEqual(new Date(Date.parse(since) + 1))
    await orders.database.$executeRaw`UPDATE orders SET attention = NULL WHERE id = ${id}::uuid`
  })

  it('is resolved with who did it and why; each is one event', async () => {
    const { id } = await orders.place()
    await raise(overdue(id, 1))
    await raise(overdue(id, 2))
    const sources = [overdue(id, 1).source, overdue(id, 2).source]
    const answer = { orderId: id, by: 'op-1', note: 'called the carrier', sources }
    expect(await orders.transact((tx) => resolveConcerns(tx, answer))).toBe(2)
    expect(await orders.transact((tx) => resolveConcerns(tx, answer))).toBe(0)
    expect(await orderOf(id)).toMatchObject({ needsAttention: false, version: 5 })
    const rows = await orders.database.concern.findMany({ where: { orderId: id } })
    expect(rows.map(({ settledBy, note }) => [settledBy, note])).toEqual(
      Array.from({ length: 2 }, () => ['op-1', 'called the carrier']),
    )
    const told = await orders.database.timelineEntry.findMany({ where: { orderId: id, kind: 'operator' } })
    expect(told.map(({ detail }) => detail)).toEqual(Array(2).fill('op-1: called the carrier'))
  })
})

describe('what waits for operators', () => {
  it('is what sagas ask and what concerns them otherwise, the longest waiting first, page by page', async () => {
    await orders.database.concern.deleteMany()
    const [first, second] = [await orders.place(), await orders.place()]
    const since = new Date(Date.now() - 60_000).toISOString()
    const question = { step: 'p', operation: 'capture', error: 'e', attempts: 4, since }
    await raise(overdue(first.id, 1))
    await createRaiseAttention(orders.transact)({ orderId: second.id, ...question })
    await raise(overdue(first.id, 2))
    const list = createListAttention(orders.database)
    const seen: unknown[] = []
    let cursor: string | undefined
    do {
      const page = await list(1, cursor)
      seen.push(...page.data.map(({ orderId, operation, actions }) => [orderId, operation, actions]))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    expect(seen).toEqual([
      [second.id, 'capture', ['retry', 'resolve']],
      [first.id, 'deliver', ['resolve']],
      [first.id, 'deliver', ['resolve']],
    ])
    const listed = await createListOrders(orders.database)({ needsAttention: true }, null)
    expect(listed.data.map(({ id }) => id)).toEqual(expect.arrayContaining([first.id, second.id]))
    expect(listed.data.every(({ needsAttention }) => needsAttention)).toBe(true)
    const calm = await createListOrders(orders.database)({ needsAttention: false }, null)
    expect(calm.data.map(({ id }) => id)).not.toContain(first.id)
  })
})
