import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Order } from '#contracts/http/orders.ts'
import { encodeCursor } from '#platform/keyset.ts'
import { testOrders, type TestOrders } from '#tests/support/orders.ts'
import { createListOrders, type OrderFilter } from './list-orders.ts'
import { createReadTimeline } from './read-timeline.ts'
import { addToTimeline } from './timeline.ts'

let orders: TestOrders
const [ada, bob] = [randomUUID(), randomUUID()]
let placed: Order[] = []

beforeAll(async () => {
  orders = await testOrders()
  for (let index = 0; index < 7; index++) placed.push(await orders.place(index % 2 === 0 ? ada : bob))
  // three of them in the same millisecond: only the id tells them apart
  await orders.database.order.updateMany({
    where: { id: { in: placed.slice(0, 3).map(({ id }) => id) } },
    data: { createdAt: new Date('2026-01-01T00:00:00.000Z') },
  })
  await orders.database.order.update({ where: { id: placed[5]!.id }, data: { status: 'reserving' } })
  await orders.database.order.update({ where: { id: placed[6]!.id }, data: { attention: { step: 'x' } } })
  placed = placed.toReversed()
})

const list = (filter: OrderFilter = {}, owner: string | null = null) =>
  createListOrders(orders.database)(filter, owner)
const ids = async (filter: OrderFilter = {}, owner: string | null = null) =>
  (await list(filter, owner)).data.map(({ id }) => id)

describe('listOrders', () => {
  it('shows the newest first', async () => {
    expect(await ids()).toEqual(placed.map(({ id }) => id))
  })

  it.each([1, 2, 3, 7])('gives every order once in pages of %i', async (limit) => {
    const seen: string[] = []
    let cursor: string | undefined
    for (let pages = 0; pages < 10; pages++) {
      const page = await list({ limit, ...(cursor === undefined ? {} : { cursor }) })
      seen.push(...page.data.map(({ id }) => id))
      if (page.nextCursor === null) break
      cursor = page.nextCursor
    }
    expect(seen).toEqual(placed.map(({ id }) => id))
  })

  it('keeps to the owner, whatever the filter asks for', async () => {
    const ofAda = placed.filter(({ customerId }) => customerId === ada).map(({ id }) => id)
    expect(await ids({}, ada)).toEqual(ofAda)
    expect(await ids({ customerId: ada })).toEqual(ofAda)
    expect(await ids({ customerId: bob }, ada)).toEqual([])
    expect(await ids({}, randomUUID())).toEqual([])
  })

  it('filters by status, time and attention', async () => {
    expect(await ids({ status: 'reserving' })).toEqual([placed[1]!.id])
    expect(await ids({ needsAttention: true })).toEqual([placed[0]!.id])
    expect(await ids({ needsAttention: false })).toHaveLength(6)
    const old = '2026-06-01T00:00:00Z'
    expect(await ids({ createdBefore: old })).toEqual(placed.slice(4).map(({ id }) => id))
    expect(await ids({ createdAfter: old })).toEqual(placed.slice(0, 4).map(({ id }) => id))
    expect(await ids({ createdAfter: '2026-01-01T00:00:00.000Z', createdBefore: old })).toEqual([])
  })

  it.each(['nonsense', '', encodeCursor([1, 2]), encodeCursor(['2026-01-01T00:00:00Z', 'x'])])(
    'refuses the cursor %j',
    async (cursor) => {
      await expect(list({ cursor })).rejects.toMatchObject({ code: 'invalid_cursor', status: 400 })
    },
  )
})

describe('readTimeline', () => {
  const read = (query: { orderId: string; owner?: string | null; limit?: number; cursor?: string }) =>
    createReadTimeline(orders.database)({ owner: null, limit: 100, cursor: undefined, ...query })

  it('tells everything in order, each thing once, a page at a time', async () => {
    const { id, customerId } = await orders.place()
    const entries = Array.from({ length: 5 }, (_, index) => ({
      kind: 'parcel' as const,
      name: `scan ${index}`,
      status: 'seen',
      at: `2030-01-01T00:00:0${index >> 1}.000Z`,
      source: `scan:${index}`,
    }))
    await addToTimeline(orders.database, id, entries)
    await addToTimeline(orders.database, id, entries)
    await addToTimeline(orders.database, id, [])
    const names: string[] = []
    let cursor: string | undefined
    do {
      const page = await read({ orderId: id, owner: customerId, limit: 2, ...(cursor ? { cursor } : {}) })
      names.push(...page.data.map(({ name }) => name))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    expect(names).toEqual(['placeOrder', 'order.created', 'scan 0', 'scan 1', 'scan 2', 'scan 3', 'scan 4'])
  })

  it('is empty for an order without entries', async () => {
    const { id } = await orders.place()
    await orders.database.timelineEntry.deleteMany({ where: { orderId: id } })
    expect(await read({ orderId: id })).toEqual({ data: [], nextCursor: null })
  })

  it('is not there for strangers', async () => {
    const unknown = { code: 'not_found', status: 404 }
    await expect(read({ orderId: placed[0]!.id, owner: randomUUID() })).rejects.toMatchObject(unknown)
    await expect(read({ orderId: randomUUID() })).rejects.toMatchObject(unknown)
  })

  it('refuses cursors that it never gave out', async () => {
    for (const cursor of [
      'x',
      encodeCursor(['2026-01-01T00:00:00Z', 1e300]),
      encodeCursor(['0000-01-01T00:00:00Z', 1]),
    ]) {
      await expect(read({ orderId: placed[0]!.id, cursor })).rejects.toMatchObject({ code: 'invalid_cursor' })
    }
  })
})
