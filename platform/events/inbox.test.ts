import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { testOrders, type TestOrders } from '#tests/support/orders.ts'
import { advance, EventGapError, firstTime } from './inbox.ts'

let orders: TestOrders
beforeAll(async () => {
  orders = await testOrders()
})

describe('firstTime', () => {
  it('is true once per consumer, however many ask at once', async () => {
    const eventId = randomUUID()
    const ask = (consumer: string) => orders.transact((tx) => firstTime(tx, { consumer, eventId }))
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask('a')))
    expect(answers.filter(Boolean)).toHaveLength(1)
    expect(await ask('b')).toBe(true)
  })

  it('is true again when the effect was rolled back', async () => {
    const entry = { consumer: 'c', eventId: randomUUID() }
    const failing = orders.transact(async (tx) => {
      expect(await firstTime(tx, entry)).toBe(true)
      throw new Error('no effect')
    })
    await expect(failing).rejects.toThrow('no effect')
    expect(await orders.transact((tx) => firstTime(tx, entry))).toBe(true)
  })
})

describe('advance', () => {
  const to = (aggregateId: string, version: number, consumer = 'c') =>
    orders.transact((tx) => advance(tx, { consumer, eventId: randomUUID(), aggregateId, version }))

  it('goes on one by one from 1', async () => {
    const id = randomUUID()
    expect([await to(id, 1), await to(id, 2), await to(id, 3)]).toEqual([true, true, true])
  })

  it('records the event with its position, and neither when there is a gap', async () => {
    const [aggregateId, first, third] = [randomUUID(), randomUUID(), randomUUID()]
    const apply = (eventId: string, version: number) =>
      orders.transact((tx) => advance(tx, { consumer: 'c', eventId, aggregateId, version }))
    const known = async () =>
      (await orders.database.inbox.findMany({ where: { eventId: { in: [first, third] } } })).map(
        (row) => row.eventId,
      )
    expect([await apply(first, 1), await apply(first, 1)]).toEqual([true, false])
    await expect(apply(third, 3)).rejects.toThrow(EventGapError)
    expect(await known()).toEqual([first])
  })

  it('says that an event is stale: the same one and every earlier one', async () => {
    const id = randomUUID()
    for (const version of [1, 2, 3]) await to(id, version)
    expect([await to(id, 3), await to(id, 2), await to(id, 1)]).toEqual([false, false, false])
    expect(await to(id, 4)).toBe(true)
  })

  it('throws when an earlier event is missing and stays where it is', async () => {
    const id = randomUUID()
    await expect(to(id, 2)).rejects.toThrow(EventGapError)
    await expect(to(id, 2)).rejects.toThrow(`${id} is at 0, version 2 came`)
    expect(await to(id, 1)).toBe(true)
    await expect(to(id, 3)).rejects.toThrow(`${id} is at 1, version 3 came`)
    expect(await to(id, 2)).toBe(true)
    expect(await to(id, 3)).toBe(true)
  })

  it('is each consumer’s and each aggregate’s own', async () => {
    const [one, other] = [randomUUID(), randomUUID()]
    await to(one, 1)
    await expect(to(other, 2)).rejects.toThrow(EventGapError)
    await expect(to(one, 2, 'another')).rejects.toThrow(EventGapError)
  })

  it('lets exactly one of many through for each version, whatever order they come in', async () => {
    const id = randomUUID()
    const versions = Array.from({ length: 30 }, (_, index) => (index % 6) + 1)
    let applied = 0
    const untilApplied = async (version: number): Promise<void> => {
      for (;;) {
        try {
          if (await to(id, version)) applied += 1
          return
        } catch (error) {
          expect(error).toBeInstanceOf(EventGapError)
        }
      }
    }
    await Promise.all(versions.toReversed().map(untilApplied))
    expect(applied).toBe(6)
  })
})
