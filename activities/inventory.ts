/** The saga's door to the inventory service. */
import type { Allocation, SkuQuantity } from '#contracts/schemas.ts'

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
