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
  /**
   * Counts the order's requests from 1 (the default). A repeat of one gives its answer again; a later one replaces what is
   * held or committed by these lines, all or nothing: when it is refused, everything stays as it was.
   */
  request?: number
  /** What to do when there is not enough. Default: refuse. */
  onShortage?: 'refuse' | 'take_available' | 'backorder'
  /** For goods that are sent once more: a reservation of its own (the new parcel's id). Default: the order's. */
  reservationId?: string
}

export interface ShortSku {
  sku: string
  requested: number
  available: number
}

export type ReserveResult =
  /** `shortages`: what could not be had, where what is available was to be taken. */
  | { outcome: 'held'; allocations: Allocation[]; expiresAt: string; shortages?: ShortSku[] }
  | { outcome: 'out_of_stock'; shortages: ShortSku[] }
  /** Nothing is held; the order waits its turn. When the stock is there, `reservation.held` says so. */
  | { outcome: 'backordered'; shortages: ShortSku[] }
  /** The order's reservation was released before this call arrived: it must not come to life again. */
  | { outcome: 'released' }

export interface InventoryActivities {
  /** Holds stock for an order, all lines or none; a repeat gives the same answer. */
  reserveInventory(input: ReserveInput): Promise<ReserveResult>
  /** Makes the hold permanent. Fails for good (`Refused`) when the hold is gone. */
  commitReservation(input: { orderId: string }): Promise<void>
  /** Moves the end of a hold, never back. Fails for good (`Refused`) when the hold is gone. */
  extendReservation(input: { orderId: string; until: string }): Promise<void>
  /** Gives back what a parcel that was given up would have taken; once per shipment. */
  releaseParcelStock(input: ParcelStock): Promise<void>
  /** Takes returned goods in, or writes them off; once per return. */
  restock(input: RestockInput): Promise<void>
  /** Holds whose time is up, for the reconciliation: it asks whether anybody still wants them. */
  findExpiredHolds(): Promise<{ orderIds: string[] }>
  /** Ends a hold whose time is up and which no running order owns. */
  expireReservation(input: { orderId: string }): Promise<void>
  /** Undoes a reservation in whatever state it is; where there is none, leaves a tombstone against a late one. */
  releaseReservation(input: { orderId: string }): Promise<void>
}

export interface ParcelStock {
  orderId: string
  shipmentId: string
  warehouse: string
  lines: SkuQuantity[]
}

export interface RestockInput {
  returnId: string
  orderId: string
  warehouse: string
  lines: SkuQuantity[]
  disposition: 'restock' | 'write_off'
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
  extendReservation: () => notYet('extendReservation'),
  releaseParcelStock: () => notYet('releaseParcelStock'),
  restock: () => notYet('restock'),
  findExpiredHolds: () => notYet('findExpiredHolds'),
  expireReservation: () => notYet('expireReservation'),
})

const notYet = (name: string): Promise<never> =>
  Promise.reject(ApplicationFailure.nonRetryable(`${name} is not built yet`, FAILURE.refused))
