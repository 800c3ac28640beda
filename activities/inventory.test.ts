import { ApplicationFailure } from '@temporalio/common'
import { describe, expect, it, vi } from 'vitest'
import type { CommitReservation } from '#services/inventory/commit-reservation.ts'
import { createInventoryActivities, type InventoryUseCases } from './inventory.ts'

const activitiesWith = (useCases: Partial<InventoryUseCases>) =>
  createInventoryActivities({
    reserveStock: () => Promise.resolve({ outcome: 'refused', reason: 'parcels have left' }),
    commitReservation: () => Promise.resolve('gone'),
    extendReservation: () => Promise.resolve('gone'),
    releaseReservation: () => Promise.resolve(),
    releaseParcelStock: () => Promise.resolve({ outcome: 'refused', reason: 'the parcel has left' }),
    restock: () => Promise.resolve({ outcome: 'refused', reason: 'there is no warehouse' }),
    findExpiredHolds: () => Promise.resolve(['o-1']),
    expireReservation: () => Promise.resolve(),
    ...useCases,
  })

const parcel = { orderId: 'o-1', shipmentId: 's-1', warehouse: 'AMS', lines: [] }
const goods = { ...parcel, returnId: 'r-1', disposition: 'restock' as const }

describe('the inventory activities', () => {
  it('fail for good when the service says no', async () => {
    const activities = activitiesWith({})
    const refusals = [
      () => activities.reserveInventory({ orderId: 'o-1', lines: [] }),
      () => activities.commitReservation({ orderId: 'o-1' }),
      () => activities.extendReservation({ orderId: 'o-1', until: '2026-11-24T00:00:00Z' }),
      () => activities.releaseParcelStock(parcel),
      () => activities.restock(goods),
    ]
    for (const call of refusals) {
      const failure: unknown = await call().catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(ApplicationFailure)
      expect(failure).toMatchObject({ nonRetryable: true, type: 'Refused' })
    }
  })

  it('are tried again after any other failure', async () => {
    const away = new Error('the database is away')
    const activities = activitiesWith({
      commitReservation: vi
        .fn<CommitReservation>()
        .mockRejectedValueOnce(away)
        .mockResolvedValue('committed'),
    })
    await expect(activities.commitReservation({ orderId: 'o-1' })).rejects.toBe(away)
    await expect(activities.commitReservation({ orderId: 'o-1' })).resolves.toBeUndefined()
  })
})
