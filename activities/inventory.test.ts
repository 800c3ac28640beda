import { ApplicationFailure } from '@temporalio/common'
import { describe, expect, it, vi } from 'vitest'
import type { CommitReservation } from '#services/inventory/commit-reservation.ts'
import { createInventoryActivities } from './inventory.ts'

const activitiesWith = (commitReservation: CommitReservation) =>
  createInventoryActivities({
    commitReservation,
    reserveStock: () => Promise.resolve({ outcome: 'released' }),
    releaseReservation: () => Promise.resolve(),
  })

describe('commitReservation', () => {
  it('fails for good when the hold is gone', async () => {
    const failure: unknown = await activitiesWith(() => Promise.resolve('gone'))
      .commitReservation({ orderId: 'o-1' })
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ApplicationFailure)
    expect(failure).toMatchObject({ nonRetryable: true, type: 'Refused' })
  })

  it('is tried again after any other failure', async () => {
    const away = new Error('the database is away')
    const activities = activitiesWith(
      vi.fn<CommitReservation>().mockRejectedValueOnce(away).mockResolvedValue('committed'),
    )
    await expect(activities.commitReservation({ orderId: 'o-1' })).rejects.toBe(away)
    await expect(activities.commitReservation({ orderId: 'o-1' })).resolves.toBeUndefined()
  })
})
