/** The saga's door to the inventory service. */
import { ApplicationFailure } from '@temporalio/common'
import type { Allocation, SkuQuantity } from '#contracts/schemas.ts'
import { FAILURE } from '#contracts/workflows.ts'
import type { CommitReservation } from '#services/inventory/commit-reservation.ts'
import type { ReleaseReservation } from '#services/inventory/release-reservation.ts'
import type { ReserveStock } from '#services/inventory/reserve-stock.ts'

export interface ReserveInput {
  orderId: string
  /** One line per SKU or several; those of one SKU are summed. */
  lines: SkuQuantity[]
}

export type ReserveResult =
  | { outcome: 'held'; allocations: Allocation[]; expiresAt: string }
  | { outcome: 'out_of_stock'; shortages: { sku: string; requested: number; available: number }[] }
  /** The order's reservation was released before this call arrived: it must not come to life again. */
  | { outcome: 'released' }

export interface InventoryActivities {
  /** Holds stock for an order, all lines or none; a repeat gives the same answer. */
  reserveInventory(input: ReserveInput): Promise<ReserveResult>
  /** Makes the hold permanent. Fails for good (`Refused`) when the hold is gone. */
  commitReservation(input: { orderId: string }): Promise<void>
  /** Undoes a reservation in whatever state it is; where there is none, leaves a tombstone against a late one. */
  releaseReservation(input: { orderId: string }): Promise<void>
}

export interface InventoryUseCases {
  reserveStock: ReserveStock
  commitReservation: CommitReservation
  releaseReservation: ReleaseReservation
}

export const createInventoryActivities = (useCases: InventoryUseCases): InventoryActivities => ({
  reserveInventory: (input) => useCases.reserveStock(input),
  async commitReservation({ orderId }) {
    if ((await useCases.commitReservation(orderId)) === 'committed') return
    throw ApplicationFailure.nonRetryable(
      `The stock of order ${orderId} is not held any more.`,
      FAILURE.refused,
    )
  },
  releaseReservation: ({ orderId }) => useCases.releaseReservation(orderId),
})
