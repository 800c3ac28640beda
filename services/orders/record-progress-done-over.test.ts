import { beforeAll, describe, expect, it } from 'vitest'
import type { OrderStatus } from '#contracts/states.ts'
import { testOrders, type TestOrders } from '#tests/support/orders.ts'
import { createRecordProgress, type MoveNumber } from './record-progress.ts'

let orders: TestOrders
let record: ReturnType<typeof createRecordProgress>
beforeAll(async () => {
  orders = await testOrders(20)
  record = createRecordProgress(orders.transact)
})

const rowOf = (id: string) => orders.database.order.findUniqueOrThrow({ where: { id } })
const refused = { nonRetryable: true, type: 'Refused' }

describe('recordProgress when a workflow task is done over, because its worker died before the task ended', () => {
  /** An order whose lost task, the one after 20 events, made it confirmed and let it be fulfilled. */
  async function withLostTask() {
    const { id } = await orders.place()
    const move = (number: number, status: OrderStatus, change: Partial<MoveNumber> = {}) =>
      record({
        orderId: id,
        move: { chain: 'run-1', number, run: 'run-1', task: 20, ...change },
        status,
        steps: [],
      })
    await move(1, 'reserving', { task: 3 })
    await move(2, 'authorizing', { task: 15 })
    await move(3, 'confirmed')
    await move(4, 'fulfilling')
    return { id, move }
  }

  it.each([
    ['with a cancellation that has come since', { run: 'run-1', task: 23 }],
    ['in a run that was reset', { run: 'run-2', task: 12 }],
  ])('goes the other way %s, and what the dead worker still writes moves nothing', async (_how, again) => {
    const { id, move } = await withLostTask()
    await move(3, 'cancelling', again)
    expect(await rowOf(id)).toMatchObject({ status: 'cancelling', moves: 3 })
    await move(5, 'fulfilling', { ...again, task: again.task - 1 })
    expect(await rowOf(id)).toMatchObject({ status: 'cancelling' })
    await move(4, 'cancelled', again)
    expect(await rowOf(id)).toMatchObject({ status: 'cancelled' })
  })

  it('goes back for an amendment that has come since', async () => {
    const { id, move } = await withLostTask()
    const again = { task: 23 }
    await move(3, 'confirmed', again)
    expect(await rowOf(id)).toMatchObject({ status: 'fulfilling' })
    await move(4, 'amending', again)
    expect(await rowOf(id)).toMatchObject({ status: 'amending', moves: 4, movedTask: 23 })
    await move(5, 'confirmed', { task: 40 })
    await move(6, 'fulfilling', { task: 40 })
    await move(7, 'completed', { task: 50 })
    expect(await rowOf(id)).toMatchObject({ status: 'completed', moves: 7 })
  })

  it('takes back a cancellation that nobody has kept, and one of which everything had been said already', async () => {
    const { id, move } = await withLostTask()
    await move(5, 'cancelling', { task: 30 })
    await move(5, 'completed', { task: 33 })
    expect(await rowOf(id)).toMatchObject({ status: 'completed' })
    await move(5, 'cancelling', { task: 36 })
    expect(await rowOf(id)).toMatchObject({ status: 'completed', moves: 5, movedTask: 33 })
  })

  it('tells a run that was reset, and only that, that it is behind', async () => {
    const { move } = await withLostTask()
    expect(await move(1, 'reserving', { run: 'run-2', task: 3 })).toEqual({ behind: true })
    expect(await move(4, 'fulfilling', { task: 19 })).toBeUndefined()
    expect(await move(3, 'confirmed', { task: 23 })).toBeUndefined()
    expect(await move(5, 'completed', { run: 'run-2', task: 30 })).toBeUndefined()
  })

  it('tells a run that was reset also where its order can go back to what it begins with', async () => {
    const { id } = await orders.place()
    const move = (number: number, status: OrderStatus, run: string) =>
      record({ orderId: id, move: { chain: 'run-1', number, run, task: 9 * number }, status, steps: [] })
    await move(1, 'reserving', 'run-1')
    await move(2, 'authorizing', 'run-1')
    await move(3, 'awaiting_customer', 'run-1')
    expect(await move(1, 'reserving', 'run-2')).toEqual({ behind: true })
    expect(await rowOf(id)).toMatchObject({ status: 'reserving', movedRun: 'run-2', moves: 1 })
    expect(await move(2, 'authorizing', 'run-2')).toBeUndefined()
    // and one that continues it is not behind
    expect(await move(3, 'confirmed', 'run-3')).toBeUndefined()
  })

  it('still refuses what the table forbids to a task that is not done over', async () => {
    const { id, move } = await withLostTask()
    await expect(move(5, 'amending', { task: 30 })).rejects.toMatchObject(refused)
    expect(await rowOf(id)).toMatchObject({ status: 'fulfilling', moves: 4 })
  })

  it('leaves the order where it is for a run that was reset and is behind it, with whatever number', async () => {
    const { id, move } = await withLostTask()
    for (const number of [2, 4, 9]) await move(number, 'amending', { run: 'run-2', task: 12 })
    expect(await rowOf(id)).toMatchObject({ status: 'fulfilling', moves: 4 })
    await move(10, 'completed', { run: 'run-2', task: 30 })
    expect(await rowOf(id)).toMatchObject({ status: 'completed', moves: 10 })
  })

  it('tells nothing twice where it goes the same way', async () => {
    const { id, move } = await withLostTask()
    const [row, events] = [await rowOf(id), await orders.events(id)]
    await move(3, 'confirmed', { task: 23 })
    await move(4, 'fulfilling', { task: 23 })
    expect(await rowOf(id)).toEqual(row)
    expect(await orders.events(id)).toEqual(events)
    await move(5, 'completed', { task: 40 })
    expect(await rowOf(id)).toMatchObject({ status: 'completed', moves: 5 })
  })
})
