import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { AnyDomainEvent } from '#contracts/events.ts'
import { testInventory } from '#tests/support/inventory.ts'
import { createCommitReservation } from './commit-reservation.ts'
import { inventoryConsumers } from './consumers.ts'
import { createReleaseReservation } from './release-reservation.ts'
import { createReserveStock } from './reserve-stock.ts'
import { createShipReservation } from './ship-reservation.ts'

const { database, transact, granting, stock, levels, events, wrongStock } = await testInventory()
const reserveStock = createReserveStock(granting)
const commitReservation = createCommitReservation({ transact })
const releaseReservation = createReleaseReservation({ transact })
const shipReservation = createShipReservation({ transact, consumer: 'test', logger: { warn: () => {} } })

async function committed(sku: string, quantity: number): Promise<string> {
  const orderId = randomUUID()
  await reserveStock({ orderId, lines: [{ sku, quantity }] })
  await commitReservation({ orderId })
  return orderId
}

const parcel = (orderId: string, warehouse: string, sku: string, quantity: number) => ({
  eventId: randomUUID(),
  shipmentId: randomUUID(),
  orderId,
  warehouse,
  lines: [{ sku, quantity }],
})

describe('shipReservation', () => {
  it('takes the units away, once per event, and is done with the last parcel', async () => {
    await stock('S-1', { AMS: 5, LJU: 5 })
    const orderId = await committed('S-1', 8)
    const first = parcel(orderId, 'AMS', 'S-1', 5)
    await Promise.all([shipReservation(first), shipReservation(first), shipReservation(first)])
    expect(await levels('S-1')).toEqual({ AMS: [0, 0, 0], LJU: [5, 0, 3] })
    expect(await events(orderId)).toHaveLength(2)
    await shipReservation(parcel(orderId, 'LJU', 'S-1', 3))
    expect(await levels('S-1')).toEqual({ AMS: [0, 0, 0], LJU: [2, 0, 0] })
    expect(await events(orderId)).toEqual([
      [1, 'reservation.held'],
      [2, 'reservation.committed'],
      [3, 'reservation.shipped'],
    ])
    expect(await wrongStock()).toEqual([])
  })

  it('announces the end once when both parcels leave at the same time', async () => {
    await stock('S-2', { AMS: 50, LJU: 50 })
    const orderIds = []
    for (let order = 0; order < 10; order += 1) {
      orderIds.push(await committed('S-2', 10))
    }
    const rows = await database.reservationLine.findMany({ where: { sku: 'S-2' } })
    await Promise.all(
      rows.map(({ reservationId: orderId, warehouse, quantity }) =>
        shipReservation(parcel(orderId, warehouse, 'S-2', quantity)),
      ),
    )
    for (const orderId of orderIds) expect((await events(orderId)).at(-1)).toEqual([3, 'reservation.shipped'])
    expect(await levels('S-2')).toEqual({ AMS: [0, 0, 0], LJU: [0, 0, 0] })
    expect(await wrongStock()).toEqual([])
  })

  it('takes away what left although the order was released a moment before', async () => {
    await stock('S-3', { AMS: 5 })
    const orderId = await committed('S-3', 2)
    await releaseReservation({ orderId })
    await shipReservation(parcel(orderId, 'AMS', 'S-3', 2))
    expect(await levels('S-3')).toEqual({ AMS: [3, 0, 0] })
    expect((await events(orderId)).at(-1)).toEqual([3, 'reservation.released'])
    expect(await wrongStock()).toEqual([])
  })

  it('changes nothing when the units are promised to another order by then', async () => {
    await stock('S-4', { AMS: 2 })
    const orderId = await committed('S-4', 2)
    await releaseReservation({ orderId })
    await committed('S-4', 2)
    const late = parcel(orderId, 'AMS', 'S-4', 2)
    await expect(shipReservation(late)).rejects.toThrow('stock_available')
    expect(await levels('S-4')).toEqual({ AMS: [2, 0, 2] })
    expect(await database.inbox.count({ where: { eventId: late.eventId } })).toBe(0)
  })

  it('refuses a parcel that is not what was reserved, and changes nothing', async () => {
    await stock('S-5', { AMS: 9, LJU: 9 })
    const orderId = await committed('S-5', 2)
    await expect(shipReservation(parcel(orderId, 'LJU', 'S-5', 2))).rejects.toThrow('has not reserved')
    await expect(shipReservation(parcel(orderId, 'AMS', 'S-5', 3))).rejects.toThrow('constraint')
    await expect(shipReservation(parcel(randomUUID(), 'AMS', 'S-5', 1))).rejects.toThrow('not there')
    expect(await levels('S-5')).toEqual({ AMS: [9, 0, 2], LJU: [9, 0, 0] })
    expect(await wrongStock()).toEqual([])
  })
})

describe('the consumer inventory-shipments', () => {
  const [consumer] = inventoryConsumers({ shipReservation, serveBackorders: () => Promise.resolve(0) })

  const shipmentEvent = (
    eventType: 'shipment.dispatched' | 'shipment.delivered',
    orderId: string,
  ): AnyDomainEvent => ({
    eventId: randomUUID(),
    eventType,
    aggregateId: randomUUID(),
    timestamp: new Date().toISOString(),
    version: 3,
    payload: {
      shipmentId: randomUUID(),
      orderId,
      warehouse: 'AMS',
      lines: [{ sku: 'S-6', quantity: 1 }],
      carrier: 'sandbox',
      trackingNumber: 'T-1',
      at: new Date().toISOString(),
    },
  })

  it('follows dispatched parcels and no other news of them', async () => {
    await stock('S-6', { AMS: 3 })
    const orderId = await committed('S-6', 1)
    await consumer!.handle(shipmentEvent('shipment.delivered', orderId))
    expect(await levels('S-6')).toEqual({ AMS: [3, 0, 1] })
    await consumer!.handle(shipmentEvent('shipment.dispatched', orderId))
    expect(await levels('S-6')).toEqual({ AMS: [2, 0, 0] })
    expect(consumer!.durable).toBe('inventory-shipments')
    expect(consumer!.subjects).toEqual(['evt.shipping.shipment.>'])
  })
})
