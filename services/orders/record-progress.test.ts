import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { OrderStatus } from '#contracts/states.ts'
import type { WaitingFor } from '#contracts/workflows.ts'
import { testOrders, type TestOrders } from '#tests/support/orders.ts'
import { createLoadShippingAddress } from './load-shipping-address.ts'
import { createRecordProgress, type MoveNumber, type RecordProgressInput } from './record-progress.ts'

let orders: TestOrders
let record: ReturnType<typeof createRecordProgress>
beforeAll(async () => {
  orders = await testOrders(20)
  record = createRecordProgress(orders.transact)
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
const moveOf = (number: number, change: Partial<MoveNumber> = {}): MoveNumber => ({
  chain: 'run-1',
  number,
  run: 'run-1',
  task: 9,
  ...change,
})
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

  it('moves nothing when an older move comes late, where the table would let it, and keeps its steps', async () => {
    const { id } = await orders.place()
    const until = new Date().toISOString()
    const move = (number: number, status: OrderStatus, more: Partial<RecordProgressInput> = {}) =>
      record({ orderId: id, move: moveOf(number), status, steps: [step(number)], ...more })
    const waitingFor = { what: 'stock', until } as const
    await move(1, 'reserving', { waitingFor })
    await move(2, 'awaiting_customer', { waitingFor: { what: 'shortage_decision', until } })
    await move(3, 'reserving', { waitingFor: null })
    const [row, events] = [await rowOf(id), await orders.events(id)]
    expect(row).toMatchObject({ movedBy: 'run-1', moves: 3 })
    const late = {
      waitingFor: { what: 'shortage_decision', until },
      reason: { code: 'x', message: 'y' },
    } as const
    await move(2, 'awaiting_customer', { ...late, steps: [step(9)] })
    await move(1, 'reserving', { waitingFor })
    await move(3, 'cancelling')
    expect(await rowOf(id)).toEqual(row)
    expect(await orders.events(id)).toEqual(events)
    expect(await timelineOf(id)).toContain('step step 9')
    await move(4, 'authorizing')
    expect(await rowOf(id)).toMatchObject({ status: 'authorizing', moves: 4 })
  })

  it('moves nothing when a run writes late that has continued as another by now', async () => {
    const { id } = await orders.place()
    const [began, continued] = ['2026-11-26T10:00:00.000Z', '2026-11-26T10:00:01.000Z']
    const move = (number: number, status: OrderStatus, change: Partial<MoveNumber>) =>
      record({
        orderId: id,
        move: moveOf(number, change),
        status,
        steps: [],
        waitingFor: waits[status] ?? null,
      })
    const waits: Partial<Record<OrderStatus, WaitingFor>> = {
      reserving: { what: 'stock', until: at },
      awaiting_customer: { what: 'payment_method', until: at },
    }
    const frozen = () => move(2, 'reserving', { run: 'run-1', task: 9, began })
    await move(1, 'reserving', { run: 'run-1', task: 3, began })
    await frozen()
    await move(3, 'authorizing', { run: 'run-2', task: 3, began: continued })
    await move(4, 'awaiting_customer', { run: 'run-2', task: 9, began: continued })
    const row = await rowOf(id)
    await frozen()
    expect(await rowOf(id)).toEqual(row)
    await move(5, 'authorizing', { run: 'run-2', task: 15 }) // of code from before, which does not say when it began
    expect(await rowOf(id)).toMatchObject({ status: 'authorizing', moves: 5 })
  })

  it('moves nothing when the run from before a reset to the first task writes late, with whatever number', async () => {
    const { id } = await orders.place()
    const [began, reset] = ['2026-11-26T10:00:00.000Z', '2026-11-26T10:00:05.000Z']
    const move = (number: number, status: OrderStatus, change: Partial<MoveNumber>) =>
      record({ orderId: id, move: moveOf(number, change), status, steps: [] })
    await move(1, 'reserving', { run: 'run-1', task: 3, began })
    await move(2, 'authorizing', { run: 'run-1', task: 15, began })
    await move(1, 'reserving', { run: 'run-2', task: 6, began: reset })
    await move(2, 'cancelling', { run: 'run-2', task: 12, began: reset })
    const cancelling = await rowOf(id)
    expect(cancelling).toMatchObject({ status: 'cancelling', movedRun: 'run-2', moves: 2 })
    await move(3, 'confirmed', { run: 'run-1', task: 20, began })
    await move(4, 'cancelled', { run: 'run-1', task: 25, began })
    expect(await rowOf(id)).toEqual(cancelling)
    await move(3, 'cancelled', { run: 'run-2', task: 18, began: reset })
    expect(await rowOf(id)).toMatchObject({ status: 'cancelled', moves: 3 })
  })

  it('numbers a note of what is waited for, too, and begins anew with another chain of runs', async () => {
    const { id } = await orders.place()
    const waitingFor = { what: 'stock', until: at } as const
    const move = (chain: string, number: number, wait: typeof waitingFor | null) =>
      record({
        orderId: id,
        move: moveOf(number, { chain }),
        status: 'reserving',
        steps: [],
        waitingFor: wait,
      })
    await move('run-1', 1, null)
    await move('run-1', 2, waitingFor)
    await move('run-1', 1, null)
    expect(await rowOf(id)).toMatchObject({ movedBy: 'run-1', moves: 2, waitingFor })
    await move('run-2', 1, null)
    expect(await rowOf(id)).toMatchObject({ movedBy: 'run-2', moves: 1, waitingFor: null })
    await walk(id, 'authorizing') // of a run from before
    expect(await rowOf(id)).toMatchObject({ movedBy: 'run-2', moves: 1, status: 'authorizing' })
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

  it('says that a part was cancelled, or nothing, once the rest of a cancelled order goes on', async () => {
    const cancelled = { code: 'cancelled', message: 'changed my mind' }
    for (const reason of [{ code: 'partly_cancelled', message: 'a part' }, null]) {
      const { id } = await orders.place()
      await walk(id, 'reserving', 'authorizing', 'confirmed', 'fulfilling')
      await record({ orderId: id, status: 'cancelling', reason: cancelled, steps: [] })
      await record({ orderId: id, status: 'fulfilling', reason, steps: [] })
      await walk(id, 'completed')
      expect(await rowOf(id)).toMatchObject({
        reasonCode: reason?.code ?? null,
        reasonMessage: reason?.message ?? null,
      })
    }
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
    expect(events.map(({ payload }) => (payload as { until?: string }).until)).toEqual([until, until, until])
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

describe('loadShippingAddress', () => {
  it('hands out the address', async () => {
    const { id, shippingAddress } = await orders.place()
    expect(await createLoadShippingAddress(orders.database)({ orderId: id })).toEqual(shippingAddress)
  })
})
