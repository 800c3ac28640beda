import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { testInventory } from '#tests/support/inventory.ts'
import { createCommitReservation } from './commit-reservation.ts'
import { createReleaseReservation } from './release-reservation.ts'
import { createReserveStock } from './reserve-stock.ts'
import { createShipReservation } from './ship-reservation.ts'

const { database, transact, granting, stock, levels, events, payloads, wrongStock } = await testInventory()
const reserveStock = createReserveStock(granting)
const commitReservation = createCommitReservation({ transact })
const releaseReservation = createReleaseReservation({ transact })
const shipReservation = createShipReservation({ transact, consumer: 'test', logger: { warn: () => {} } })

const statusOf = async (orderId: string) =>
  (await database.reservation.findUnique({ where: { id: orderId } }))?.status

async function reserve(sku: string, quantity: number): Promise<string> {
  const orderId = randomUUID()
  await reserveStock({ orderId, lines: [{ sku, quantity }] })
  return orderId
}

describe('releaseReservation', () => {
  it('gives held units back, once', async () => {
    await stock('L-1', { AMS: 3, LJU: 3 })
    const orderId = await reserve('L-1', 4)
    await Promise.all([1, 2, 3].map(() => releaseReservation({ orderId })))
    expect(await levels('L-1')).toEqual({ AMS: [3, 0, 0], LJU: [3, 0, 0] })
    expect(await events(orderId)).toEqual([
      [1, 'reservation.held'],
      [2, 'reservation.released'],
    ])
  })

  it('gives committed units back', async () => {
    await stock('L-2', { AMS: 3 })
    const orderId = await reserve('L-2', 2)
    await commitReservation({ orderId })
    await releaseReservation({ orderId })
    expect(await levels('L-2')).toEqual({ AMS: [3, 0, 0] })
    expect(await events(orderId)).toEqual([
      [1, 'reservation.held'],
      [2, 'reservation.committed'],
      [3, 'reservation.released'],
    ])
  })

  it('leaves a silent tombstone where there is nothing, also over a refusal', async () => {
    await stock('L-3', { AMS: 1 })
    const none = randomUUID()
    const refused = await reserve('L-3', 2)
    await Promise.all([none, refused, none, refused].map((orderId) => releaseReservation({ orderId })))
    expect([await statusOf(none), await statusOf(refused)]).toEqual(['released', 'released'])
    expect(await events(none)).toEqual([])
    expect(await events(refused)).toEqual([[1, 'reservation.refused']])
  })

  it('keeps what has left and gives back the rest', async () => {
    await stock('L-4', { AMS: 2, LJU: 2 })
    const orderId = await reserve('L-4', 3)
    await commitReservation({ orderId })
    await shipReservation({
      eventId: randomUUID(),
      shipmentId: randomUUID(),
      orderId,
      warehouse: 'AMS',
      lines: [{ sku: 'L-4', quantity: 2 }],
    })
    await releaseReservation({ orderId })
    expect(await levels('L-4')).toEqual({ AMS: [0, 0, 0], LJU: [2, 0, 0] })
    expect((await payloads(orderId)).at(-1)).toEqual({
      orderId,
      lines: [{ warehouse: 'LJU', sku: 'L-4', quantity: 1 }],
    })
    expect(await wrongStock()).toEqual([])
  })

  it('changes nothing once everything has left', async () => {
    await stock('L-5', { AMS: 2 })
    const orderId = await reserve('L-5', 2)
    await commitReservation({ orderId })
    await shipReservation({
      eventId: randomUUID(),
      shipmentId: randomUUID(),
      orderId,
      warehouse: 'AMS',
      lines: [{ sku: 'L-5', quantity: 2 }],
    })
    await releaseReservation({ orderId })
    expect(await statusOf(orderId)).toBe('shipped')
    expect(await levels('L-5')).toEqual({ AMS: [0, 0, 0] })
  })
})
