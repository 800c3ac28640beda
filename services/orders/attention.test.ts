import { beforeAll, describe, expect, it } from 'vitest'
import { testOrders, type TestOrders } from '#tests/support/orders.ts'
import { createClearAttention, createRaiseAttention } from './attention.ts'
import { createListAttention } from './list-attention.ts'
import { createRecordProgress } from './record-progress.ts'

let orders: TestOrders
let record: ReturnType<typeof createRecordProgress>
let raise: ReturnType<typeof createRaiseAttention>
let clear: ReturnType<typeof createClearAttention>
beforeAll(async () => {
  orders = await testOrders(20)
  record = createRecordProgress(orders.transact)
  raise = createRaiseAttention(orders.transact)
  clear = createClearAttention(orders.transact)
})

const at = new Date().toISOString()
const rowOf = (id: string) => orders.database.order.findUniqueOrThrow({ where: { id } })
const timelineOf = async (orderId: string) => {
  const rows = await orders.database.timelineEntry.findMany({ where: { orderId }, orderBy: { id: 'asc' } })
  return rows.map(({ kind, name }) => `${kind} ${name}`)
}

describe('attention', () => {
  const state = { step: 'payment', operation: 'capture', error: 'no answer', attempts: 15, since: at }
  const answer = { action: 'resolve', by: 'op-1', note: 'called the bank' } as const

  it('is raised once, and cleared once, each with its version, event and timeline', async () => {
    const { id } = await orders.place()
    await Promise.all(Array.from({ length: 10 }, () => raise({ orderId: id, ...state })))
    expect(await rowOf(id)).toMatchObject({ attention: state, version: 2 })
    await Promise.all(Array.from({ length: 10 }, () => clear({ orderId: id, ...answer })))
    expect(await rowOf(id)).toMatchObject({ attention: null, version: 3 })
    expect(await orders.events(id)).toEqual([
      [1, 'order.created'],
      [2, 'order.attention_raised'],
      [3, 'order.attention_cleared'],
    ])
    expect((await timelineOf(id)).slice(2)).toEqual(['event order.attention_raised', 'operator resolve'])
    const cleared = await orders.database.outbox.findFirstOrThrow({ where: { aggregateId: id, version: 3 } })
    expect(cleared.payload).toEqual({
      orderId: id,
      step: 'payment',
      operation: 'capture',
      error: 'no answer',
    })
  })

  it('is not raised again by a repeat that comes after the answer, nor cleared by the answer to an earlier one', async () => {
    const { id } = await orders.place()
    const later = { ...state, since: new Date(Date.parse(at) + 1).toISOString() }
    await raise({ orderId: id, ...state })
    await clear({ orderId: id, ...answer, since: state.since })
    await raise({ orderId: id, ...state })
    expect(await rowOf(id)).toMatchObject({ attention: null, version: 3 })
    await raise({ orderId: id, ...later })
    await clear({ orderId: id, ...answer, since: state.since })
    expect(await rowOf(id)).toMatchObject({ attention: later, version: 4 })
    await clear({ orderId: id, ...answer, since: later.since })
    expect(await rowOf(id)).toMatchObject({ attention: null, version: 5 })
  })

  it('of a run that was reset gives way to what the next one asks, and to the end', async () => {
    const { id } = await orders.place()
    const later = { ...state, operation: 'void', since: new Date(Date.parse(at) + 1).toISOString() }
    await raise({ orderId: id, ...state })
    await raise({ orderId: id, ...later })
    await raise({ orderId: id, ...state }) // late
    expect(await rowOf(id)).toMatchObject({ attention: later, version: 3 })
    await record({ orderId: id, status: 'reserving', steps: [] })
    await record({ orderId: id, status: 'rejected', steps: [] })
    await record({ orderId: id, status: 'rejected', steps: [] })
    await raise({ orderId: id, ...later, since: new Date(Date.parse(at) + 2).toISOString() })
    expect(await rowOf(id)).toMatchObject({ attention: null, version: 6 })
    expect((await orders.events(id)).slice(1)).toEqual([
      [2, 'order.attention_raised'],
      [3, 'order.attention_raised'],
      [4, 'order.reserving'],
      [5, 'order.rejected'],
      [6, 'order.attention_cleared'],
    ])
    expect((await timelineOf(id)).slice(-2)).toEqual([
      'event order.rejected',
      'event order.attention_cleared',
    ])
  })

  it('stands beside the status and takes turns with it', async () => {
    const { id } = await orders.place()
    await Promise.all([
      raise({ orderId: id, ...state }),
      record({ orderId: id, status: 'reserving', steps: [] }),
    ])
    expect(await rowOf(id)).toMatchObject({ status: 'reserving', attention: state, version: 3 })
    expect((await orders.events(id)).map(([version]) => version)).toEqual([1, 2, 3])
  })

  it('has nothing to clear where nothing waits', async () => {
    const { id } = await orders.place()
    const before = await orders.counts()
    await clear({ orderId: id, ...answer })
    expect(await orders.counts()).toEqual(before)
    expect((await rowOf(id)).version).toBe(1)
  })

  it('lists who waits, the oldest order first, a page at a time', async () => {
    await orders.database.$executeRaw`UPDATE orders SET attention = NULL`
    const ids: string[] = []
    for (let index = 0; index < 5; index++) {
      const { id } = await orders.place()
      await raise({ orderId: id, ...state })
      ids.push(id)
    }
    const list = createListAttention(orders.database)
    const seen: string[] = []
    let cursor: string | undefined
    do {
      const page = await list(2, cursor)
      seen.push(...page.data.map(({ orderId }) => orderId))
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
    expect(seen).toEqual(ids)
    expect((await list(1, undefined)).data).toEqual([
      { orderId: ids[0], ...state, actions: ['retry', 'resolve'] },
    ])
  })
})
