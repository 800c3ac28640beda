import { randomUUID } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import type { Logger } from '#platform/logger.ts'
import { testInventory } from '#tests/support/inventory.ts'
import { createCommitReservation } from './commit-reservation.ts'
import { createReleaseParcelStock } from './release-parcel-stock.ts'
import { createReleaseReservation } from './release-reservation.ts'
import { createReserveStock } from './reserve-stock.ts'
import { createServeBackorders } from './serve-backorders.ts'
import { createShipReservation } from './ship-reservation.ts'

const { database, transact, granting, stock, levels, events, payloads, wrongStock } = await testInventory()
const warn = vi.fn<Logger['warn']>()
const reserveStock = createReserveStock(granting)
const commitReservation = createCommitReservation({ transact })
const releaseReservation = createReleaseReservation({ transact })
const releaseParcelStock = createReleaseParcelStock({ transact })
const shipReservation = createShipReservation({ transact, consumer: 'test', logger: { warn } })

async function committed(sku: string, quantity: number): Promise<string> {
  const orderId = randomUUID()
  await reserveStock({ orderId, lines: [{ sku, quantity }] })
  await commitReservation({ orderId })
  return orderId
}

const parcel = (orderId: string, warehouse: string, sku: string, quantity: number) => ({
  shipmentId: randomUUID(),
  orderId,
  warehouse,
  lines: [{ sku, quantity }],
})

const dispatch = (left: ReturnType<typeof parcel>) => shipReservation({ ...left, eventId: randomUUID() })

const typesOf = async (orderId: string) => (await events(orderId)).map(([, type]) => type)

const BEGIN = ['reservation.held', 'reservation.committed']

describe('releaseParcelStock', () => {
  it('gives a parcel’s units back, once, and leaves the other parcel alone', async () => {
    await stock('G-1', { AMS: 5, LJU: 5 })
    const orderId = await committed('G-1', 8)
    const [kept, given] = [parcel(orderId, 'AMS', 'G-1', 5), parcel(orderId, 'LJU', 'G-1', 3)]
    const answers = await Promise.all([1, 2, 3].map(() => releaseParcelStock(given)))
    expect(answers.map(({ outcome }) => outcome)).toEqual(['released', 'released', 'released'])
    expect(await levels('G-1')).toEqual({ AMS: [5, 0, 5], LJU: [5, 0, 0] })
    expect((await payloads(orderId)).at(-1)).toEqual({
      orderId,
      lines: [{ warehouse: 'AMS', sku: 'G-1', quantity: 5 }],
    })
    // the news of the other parcel's departure comes afterwards
    await dispatch(kept)
    expect(await levels('G-1')).toEqual({ AMS: [0, 0, 0], LJU: [5, 0, 0] })
    expect(await typesOf(orderId)).toEqual([...BEGIN, 'reservation.changed', 'reservation.shipped'])
    expect((await payloads(orderId)).at(-1)).toEqual({
      orderId,
      lines: [{ warehouse: 'AMS', sku: 'G-1', quantity: 5 }],
    })
    expect(await wrongStock()).toEqual([])
  })

  it('ends the same when the other parcel’s departure is known first', async () => {
    await stock('G-2', { AMS: 5, LJU: 5 })
    const orderId = await committed('G-2', 8)
    await dispatch(parcel(orderId, 'AMS', 'G-2', 5))
    await releaseParcelStock(parcel(orderId, 'LJU', 'G-2', 3))
    expect(await levels('G-2')).toEqual({ AMS: [0, 0, 0], LJU: [5, 0, 0] })
    expect(await events(orderId)).toEqual([
      [1, 'reservation.held'],
      [2, 'reservation.committed'],
      [3, 'reservation.changed'],
      [4, 'reservation.shipped'],
    ])
    expect(await wrongStock()).toEqual([])
  })

  it('releases the reservation when nothing of it was shipped', async () => {
    await stock('G-3', { AMS: 5, LJU: 5 })
    const orderId = await committed('G-3', 8)
    await Promise.all([
      releaseParcelStock(parcel(orderId, 'AMS', 'G-3', 5)),
      releaseParcelStock(parcel(orderId, 'LJU', 'G-3', 3)),
    ])
    expect(await levels('G-3')).toEqual({ AMS: [5, 0, 0], LJU: [5, 0, 0] })
    expect(await typesOf(orderId)).toEqual([...BEGIN, 'reservation.changed', 'reservation.released'])
    await releaseReservation({ orderId })
    expect(await levels('G-3')).toEqual({ AMS: [5, 0, 0], LJU: [5, 0, 0] })
    expect(await wrongStock()).toEqual([])
  })

  it('serves those who wait', async () => {
    await stock('G-4', { AMS: 2 })
    const orderId = await committed('G-4', 2)
    const waiting = randomUUID()
    await reserveStock({ orderId: waiting, lines: [{ sku: 'G-4', quantity: 1 }], onShortage: 'backorder' })
    await releaseParcelStock(parcel(orderId, 'AMS', 'G-4', 2))
    expect(await createServeBackorders({ database, ...granting })()).toBe(1)
    expect(await levels('G-4')).toEqual({ AMS: [2, 1, 0] })
  })

  it('is refused for a parcel that has left, and changes nothing', async () => {
    await stock('G-5', { AMS: 5, LJU: 5 })
    const orderId = await committed('G-5', 8)
    const left = parcel(orderId, 'AMS', 'G-5', 5)
    await dispatch(left)
    expect(await releaseParcelStock(left)).toEqual({ outcome: 'refused', reason: 'the parcel has left' })
    expect(await levels('G-5')).toEqual({ AMS: [0, 0, 0], LJU: [5, 0, 3] })
    expect(await database.releasedParcel.count({ where: { shipmentId: left.shipmentId } })).toBe(0)
  })

  it('is refused where nothing is committed', async () => {
    await stock('G-6', { AMS: 5 })
    const held = randomUUID()
    await reserveStock({ orderId: held, lines: [{ sku: 'G-6', quantity: 2 }] })
    expect(await releaseParcelStock(parcel(held, 'AMS', 'G-6', 2))).toMatchObject({ outcome: 'refused' })
    expect(await releaseParcelStock(parcel(randomUUID(), 'AMS', 'G-6', 2))).toMatchObject({
      outcome: 'refused',
    })
    expect(await levels('G-6')).toEqual({ AMS: [5, 2, 0] })
  })

  it('fails on what the order has not reserved, and changes nothing', async () => {
    await stock('G-7', { AMS: 5, LJU: 5 })
    const orderId = await committed('G-7', 2)
    await expect(releaseParcelStock(parcel(orderId, 'LJU', 'G-7', 2))).rejects.toThrow('not of this order')
    await expect(releaseParcelStock(parcel(orderId, 'AMS', 'G-7', 3))).rejects.toThrow('constraint')
    expect(await levels('G-7')).toEqual({ AMS: [5, 0, 2], LJU: [5, 0, 0] })
    expect(await typesOf(orderId)).toEqual(BEGIN)
  })

  it('has nothing left to do when the whole order was released', async () => {
    await stock('G-8', { AMS: 5 })
    const orderId = await committed('G-8', 2)
    await releaseReservation({ orderId })
    expect(await releaseParcelStock(parcel(orderId, 'AMS', 'G-8', 2))).toEqual({ outcome: 'released' })
    expect(await levels('G-8')).toEqual({ AMS: [5, 0, 0] })
  })

  it('gives back a replacement that was never sent, and nothing of its order', async () => {
    await stock('G-9', { AMS: 9 })
    const orderId = await committed('G-9', 3)
    const replacement = parcel(orderId, 'AMS', 'G-9', 3)
    const { shipmentId: reservationId, lines } = replacement
    await reserveStock({ orderId, reservationId, lines })
    expect(await levels('G-9')).toEqual({ AMS: [9, 0, 6] })
    await releaseParcelStock(replacement)
    expect(await levels('G-9')).toEqual({ AMS: [9, 0, 3] })
    expect(await typesOf(reservationId)).toEqual(['reservation.committed', 'reservation.released'])
    expect(await typesOf(orderId)).toEqual(BEGIN)
  })
})

describe('a parcel that leaves although it was given up', () => {
  it('takes its units with it, once, and is told', async () => {
    await stock('G-10', { AMS: 5, LJU: 5 })
    const orderId = await committed('G-10', 8)
    const given = parcel(orderId, 'LJU', 'G-10', 3)
    await releaseParcelStock(given)
    await dispatch(given)
    expect(warn).toHaveBeenCalledWith({ orderId, shipmentId: given.shipmentId }, expect.any(String))
    await expect(dispatch(given)).rejects.toThrow('constraint')
    expect(await levels('G-10')).toEqual({ AMS: [5, 0, 5], LJU: [2, 0, 0] })
    await dispatch(parcel(orderId, 'AMS', 'G-10', 5))
    expect(await levels('G-10')).toEqual({ AMS: [0, 0, 0], LJU: [2, 0, 0] })
    expect((await typesOf(orderId)).at(-1)).toBe('reservation.shipped')
    expect(await wrongStock()).toEqual([])
  })

  it('is believed also when its order is over', async () => {
    await stock('G-11', { AMS: 5, LJU: 5 })
    const shipped = await committed('G-11', 8)
    const [gone, given] = [parcel(shipped, 'AMS', 'G-11', 5), parcel(shipped, 'LJU', 'G-11', 3)]
    await releaseParcelStock(given)
    await dispatch(gone)
    await dispatch(given)
    expect(await levels('G-11')).toEqual({ AMS: [0, 0, 0], LJU: [2, 0, 0] })
    const released = await committed('G-11', 1)
    const only = parcel(released, 'LJU', 'G-11', 1)
    await releaseParcelStock(only)
    await dispatch(only)
    expect(await levels('G-11')).toEqual({ AMS: [0, 0, 0], LJU: [1, 0, 0] })
    expect(await wrongStock()).toEqual([])
  })
})
