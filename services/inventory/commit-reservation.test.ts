import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { testInventory } from '#tests/support/inventory.ts'
import { createCommitReservation } from './commit-reservation.ts'
import { createReleaseReservation } from './release-reservation.ts'
import { createReserveStock } from './reserve-stock.ts'

const { database, transact, granting, stock, levels, events, payloads, wrongStock } = await testInventory()
const reserveStock = createReserveStock(granting)
const commitReservation = createCommitReservation({ transact })
const releaseReservation = createReleaseReservation({ transact })

async function reserve(sku: string, quantity: number): Promise<string> {
  const orderId = randomUUID()
  await reserveStock({ orderId, lines: [{ sku, quantity }] })
  return orderId
}

describe('commitReservation', () => {
  it('turns held units into committed ones, once', async () => {
    await stock('C-1', { AMS: 3, LJU: 3 })
    const orderId = await reserve('C-1', 4)
    expect(await Promise.all([1, 2, 3].map(() => commitReservation({ orderId })))).toEqual([
      'committed',
      'committed',
      'committed',
    ])
    expect(await levels('C-1')).toEqual({ AMS: [3, 0, 3], LJU: [3, 0, 1] })
    expect(await events(orderId)).toEqual([
      [1, 'reservation.held'],
      [2, 'reservation.committed'],
    ])
    expect((await payloads(orderId))[1]).toEqual({
      orderId,
      lines: [
        { warehouse: 'AMS', sku: 'C-1', quantity: 3 },
        { warehouse: 'LJU', sku: 'C-1', quantity: 1 },
      ],
    })
  })

  it('commits a hold whose time is up while nobody has taken it away', async () => {
    await stock('C-2', { AMS: 3 })
    const orderId = await reserve('C-2', 1)
    await database.reservation.update({ where: { id: orderId }, data: { expiresAt: new Date(0) } })
    expect(await commitReservation({ orderId })).toBe('committed')
  })

  it('finds nothing to commit where there is no hold', async () => {
    await stock('C-3', { AMS: 3 })
    const released = await reserve('C-3', 1)
    await releaseReservation({ orderId: released })
    const refused = await reserve('C-3', 9)
    expect(
      await Promise.all([released, refused, randomUUID()].map((orderId) => commitReservation({ orderId }))),
    ).toEqual(['gone', 'gone', 'gone'])
    expect(await levels('C-3')).toEqual({ AMS: [3, 0, 0] })
  })

  it('leaves one winner and exact stock when a release comes at the same time', async () => {
    await stock('C-RACE', { AMS: 100 })
    const orderIds = await Promise.all(Array.from({ length: 30 }, () => reserve('C-RACE', 1)))
    await Promise.all(
      orderIds.flatMap((orderId) => [commitReservation({ orderId }), releaseReservation({ orderId })]),
    )
    expect(await levels('C-RACE')).toEqual({ AMS: [100, 0, 0] })
    expect(await wrongStock()).toEqual([])
  })
})
