import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { OrderStatus } from '#contracts/states.ts'
import { testOrders, type TestOrders } from '#tests/support/orders.ts'
import { createClearAttention, createRaiseAttention } from './attention.ts'
import { createListAttention } from './list-attention.ts'
import { createLoadShippingAddress } from './load-shipping-address.ts'
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
const step = (sequence: number) =>
  ({ sequence, name: `step ${sequence}`, status: 'completed', detail: null, at }) as const
const rowOf = (id: string) => orders.database.order.findUniqueOrThrow({ where: { id } })
const timelineOf = async (orderId: string) => {
  const rows = await orders.database.timelineEntry.findMany({ where: { orderId }, orderBy: { id: 'asc' } })
  return rows.map(({ kind, name }) => `${kind} ${name}`)
}
const walk = async (orderId: string, ...statuses: OrderStatus[]) => {
  for (const status of statuses) await record({ orderId, status, steps: [] })
}
const refused = { nonRetryable: true, type: 'Refused' }

describe('recordProgress', () => {
  it('moves the row, writes its event and its timeline, and needs no start any more', async () => {
    const { id } = await orders.place()
    await record({ orderId: id, status: 'reserving', steps: [step(1)] })
    expect(await rowOf(id)).toMatchObject({ status: 'reserving', version: 2 })
    expect(await orders.events(id)).toEqual([
      [1, 'order.created'],
      [2, 'order.reserving'],
    ])
    expect(await timelineOf(id)).toEqual([
      'request placeOrder',
      'event order.created',
      'step step 1',
      'event order.reserving',
    ])
    expect(await orders.database.workflowStart.count({ where: { orderId: id } })).toBe(0)
  })

  it('changes nothing when it is repeated, also by many at once', async () => {
    const { id } = await orders.place()
    const input = { orderId: id, status: 'reserving', steps: [step(1), step(2)] } as const
    await Promise.all(Array.from({ length: 15 }, () => record({ ...input, steps: [...input.steps] })))
    expect((await rowOf(id)).version).toBe(2)
    expect(await orders.events(id)).toHaveLength(2)
    expect(await timelineOf(id)).toHaveLength(5)
  })

  it('only adds to the timeline when there is no new status', async () => {
    const { id } = await orders.place()
    await record({ orderId: id, steps: [step(1)] })
    expect((await rowOf(id)).version).toBe(1)
    expect(await timelineOf(id)).toHaveLength(3)
  })

  it('keeps the reason of an ending, in the row and in the event', async () => {
    const { id } = await orders.place()
    await walk(id, 'reserving')
    const reason = { code: 'out_of_stock', message: 'There is not enough.' }
    await record({ orderId: id, status: 'rejected', reason, steps: [] })
    expect(await rowOf(id)).toMatchObject({
      reasonCode: 'out_of_stock',
      reasonMessage: 'There is not enough.',
    })
    const event = await orders.database.outbox.findFirstOrThrow({ where: { aggregateId: id, version: 3 } })
    expect(event).toMatchObject({
      type: 'order.rejected',
      payload: { status: 'rejected', reason: 'out_of_stock' },
    })
  })

  it('keeps what the order waits for until that is over, and tells the customer each time', async () => {
    const { id } = await orders.place()
    await walk(id, 'reserving')
    const until = new Date().toISOString()
    const waits = (what: 'shortage_decision' | 'payment_action' | 'payment_method', url?: string) =>
      record({
        orderId: id,
        status: 'awaiting_customer',
        steps: [],
        waitingFor: { what, until, ...(url === undefined ? {} : { url }) },
      })
    await waits('shortage_decision')
    await waits('shortage_decision')
    expect(await rowOf(id)).toMatchObject({ version: 3, waitingFor: { what: 'shortage_decision', until } })
    await record({ orderId: id, status: 'authorizing', steps: [] })
    expect((await rowOf(id)).waitingFor).toEqual({ what: 'shortage_decision', until }) // not said: as before
    await record({ orderId: id, steps: [], waitingFor: null })
    expect(await rowOf(id)).toMatchObject({ version: 4, waitingFor: null })
    await waits('payment_action', 'https://bank.test/1')
    await waits('payment_method')
    const events = await orders.database.outbox.findMany({
      where: { aggregateId: id, type: 'order.awaiting_customer' },
      orderBy: { id: 'asc' },
    })
    expect(events.map(({ version, payload }) => [version, (payload as { reason: string }).reason])).toEqual([
      [3, 'shortage_decision'],
      [5, 'payment_action'],
      [6, 'payment_method'],
    ])
    expect(JSON.stringify(events.map(({ payload }) => payload))).not.toContain('bank.test')
    await record({ orderId: id, status: 'rejected', steps: [], waitingFor: { what: 'stock', until } })
    expect((await rowOf(id)).waitingFor).toBeNull() // an order that has ended waits for nothing
  })

  it('notes a wait for stock without another status', async () => {
    const { id } = await orders.place()
    await walk(id, 'reserving')
    const waitingFor = { what: 'stock', until: at } as const
    await record({ orderId: id, status: 'reserving', steps: [], waitingFor })
    expect(await rowOf(id)).toMatchObject({ version: 2, waitingFor })
    expect(await orders.events(id)).toHaveLength(2)
  })

  it.each<[OrderStatus[], OrderStatus]>([
    [[], 'completed'],
    [['reserving'], 'confirmed'],
    [['reserving', 'rejected'], 'reserving'],
    [['reserving', 'authorizing', 'confirmed', 'fulfilling', 'completed'], 'cancelling'],
  ])('refuses for good to go from %j to %s, and writes nothing', async (path, status) => {
    const { id } = await orders.place()
    await walk(id, ...path)
    const [before, row] = [await orders.counts(), await rowOf(id)]
    await expect(record({ orderId: id, status, steps: [step(9)] })).rejects.toMatchObject(refused)
    expect(await orders.counts()).toEqual(before)
    expect(await rowOf(id)).toEqual(row)
  })

  it('refuses for good what concerns no order', async () => {
    const orderId = randomUUID()
    await expect(record({ orderId, status: 'reserving', steps: [] })).rejects.toMatchObject(refused)
    await expect(createLoadShippingAddress(orders.database)({ orderId })).rejects.toMatchObject(refused)
  })
})

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

describe('loadShippingAddress', () => {
  it('hands out the address', async () => {
    const { id, shippingAddress } = await orders.place()
    expect(await createLoadShippingAddress(orders.database)({ orderId: id })).toEqual(shippingAddress)
  })
})
