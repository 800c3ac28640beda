import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { allocationsOf, need, requestsTo, testInventory } from '#tests/support/inventory.ts'
import { createCommitReservation } from './commit-reservation.ts'
import { createReleaseReservation } from './release-reservation.ts'
import { createReserveStock } from './reserve-stock.ts'
import { createShipReservation } from './ship-reservation.ts'

const { transact, granting, stock, levels, events, typesOf, payloads, wrongStock } = await testInventory()
const ask = requestsTo(granting)
const reserveStock = createReserveStock(granting)
const commitReservation = createCommitReservation({ transact })
const releaseReservation = createReleaseReservation({ transact })

describe('a replacement', () => {
  const dispatch = (orderId: string, shipmentId: string, sku: string, quantity: number, warehouse = 'AMS') =>
    createShipReservation({ transact, consumer: 'test', logger: { warn: () => {} } })({
      eventId: randomUUID(),
      shipmentId,
      orderId,
      warehouse,
      lines: need({ [sku]: quantity }),
    })

  it('is a committed reservation of its own that leaves with its own parcel', async () => {
    await stock('P-1', { AMS: 9 })
    const [orderId, parcel, replacement] = [randomUUID(), randomUUID(), randomUUID()]
    await ask(orderId, 1, { 'P-1': 3 })
    await commitReservation({ orderId })
    await dispatch(orderId, parcel, 'P-1', 3)
    const answer = await ask(orderId, 1, { 'P-1': 3 }, { reservationId: replacement })
    expect(answer.outcome).toBe('held')
    expect(await ask(orderId, 1, { 'P-1': 3 }, { reservationId: replacement })).toEqual(answer)
    expect(await commitReservation({ orderId, reservationId: replacement })).toBe('committed')
    expect(await levels('P-1')).toEqual({ AMS: [6, 0, 3] })
    await dispatch(orderId, replacement, 'P-1', 3)
    expect(await levels('P-1')).toEqual({ AMS: [3, 0, 0] })
    expect(await typesOf(orderId)).toEqual([
      'reservation.held',
      'reservation.committed',
      'reservation.shipped',
    ])
    expect(await events(replacement)).toEqual([
      [1, 'reservation.committed'],
      [2, 'reservation.shipped'],
    ])
    expect((await payloads(replacement))[0]).toMatchObject({ orderId })
    expect(await wrongStock()).toEqual([])
  })

  it('may leave in parcels of its own from several warehouses, before or after the order’s other ones', async () => {
    await stock('P-4', { AMS: 9, LJU: 3 })
    await stock('P-5', { LJU: 1 })
    const [orderId, lost, other] = [randomUUID(), randomUUID(), randomUUID()]
    await ask(orderId, 1, { 'P-4': 9, 'P-5': 1 })
    await commitReservation({ orderId })
    await dispatch(orderId, lost, 'P-4', 9)
    await stock('P-4', { AMS: 1, LJU: 6 })
    const [first, second] = [randomUUID(), randomUUID()]
    const answer = await ask(orderId, 1, { 'P-4': 10 }, { reservationId: first })
    expect(allocationsOf(answer)).toEqual([
      { warehouse: 'AMS', lines: need({ 'P-4': 1 }) },
      { warehouse: 'LJU', lines: need({ 'P-4': 9 }) },
    ])
    await dispatch(orderId, second, 'P-4', 9, 'LJU')
    await dispatch(orderId, other, 'P-5', 1, 'LJU')
    await dispatch(orderId, first, 'P-4', 1)
    expect((await typesOf(orderId)).at(-1)).toBe('reservation.shipped')
    expect((await typesOf(first)).at(-1)).toBe('reservation.shipped')
    expect(await levels('P-4')).toEqual({ AMS: [0, 0, 0], LJU: [0, 0, 0] })
    expect(await levels('P-5')).toEqual({ LJU: [0, 0, 0] })
    expect(await wrongStock()).toEqual([])
  })

  it('is refused rather than waited for, and may be released without its order', async () => {
    await stock('P-2', { AMS: 1 })
    const [orderId, replacement] = [randomUUID(), randomUUID()]
    await ask(orderId, 1, { 'P-2': 1 })
    const options = { reservationId: replacement, onShortage: 'backorder' as const }
    expect((await ask(orderId, 1, { 'P-2': 1 }, options)).outcome).toBe('out_of_stock')
    await releaseReservation({ orderId, reservationId: replacement })
    expect(await ask(orderId, 2, { 'P-2': 1 }, options)).toEqual({ outcome: 'released' })
    expect(await levels('P-2')).toEqual({ AMS: [1, 1, 0] })
  })

  it('is not reached under another order’s id', async () => {
    await stock('P-3', { AMS: 5 })
    const [orderId, replacement] = [randomUUID(), randomUUID()]
    await ask(orderId, 1, { 'P-3': 1 }, { reservationId: replacement })
    const stranger = { orderId: randomUUID(), reservationId: replacement }
    expect(await commitReservation(stranger)).toBe('gone')
    await expect(releaseReservation(stranger)).rejects.toThrow("another order's")
    await expect(reserveStock({ ...stranger, lines: need({ 'P-3': 1 }) })).rejects.toThrow("another order's")
    expect(await levels('P-3')).toEqual({ AMS: [5, 0, 1] })
  })
})
