/** The saga's door to the inventory service. */
import { ApplicationFailure } from '@temporalio/common'
import type { Allocation, SkuQuantity } from '#contracts/schemas.ts'
import { FAILURE } from '#contracts/workflows.ts'
import type { CommitReservation } from '#services/inventory/commit-reservation.ts'
import type { ExpireReservation, FindExpiredHolds } from '#services/inventory/expire-reservation.ts'
import type { ExtendReservation } from '#services/inventory/extend-reservation.ts'
import type { ReleaseParcelStock } from '#services/inventory/release-parcel-stock.ts'
import type { ReleaseReservation } from '#services/inventory/release-reservation.ts'
import type { ReserveStock } from '#services/inventory/reserve-stock.ts'
import type { Restock } from '#services/inventory/restock.ts'

export interface ReserveInput {
  orderId: string
  /** One line per SKU or several; those of one SKU are summed. */
  lines: SkuQuantity[]
  /**
   * Counts the order's requests from 1 (the default). A repeat of one gives its answer again; a later one replaces what is
   * held or committed by these lines, all or nothing: when it is refused, everything stays as it was. One that comes after a
   * later one was answered, or when parcels have left, fails for good (`Refused`).
   */
  request?: number
  /**
   * What to do when there is not enough. Default: refuse. Units of a product that others wait for are not available. Who
   * holds something already is not put into the queue but refused.
   */
  onShortage?: 'refuse' | 'take_available' | 'backorder'
  /**
   * What the order has stays promised until its next request, beside what this one gets; the answer is of the latter only.
   * So another request for the former can't be refused.
   */
  keepPrevious?: boolean
  /** Where the units are to come from, as an earlier answer said; where they are not there any more it is decided anew. */
  from?: Allocation[]
  /**
   * For goods that are sent once more: a reservation of its own (the new parcel's id), committed at once, since they are
   * owed. Default: the order's.
   */
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
  /**
   * Nothing is held; the order waits its turn. When the stock is there, `reservation.held` says so, and a repeat of this
   * request is answered `held`.
   */
  | { outcome: 'backordered'; shortages: ShortSku[] }
  /** The order's reservation was released before this call arrived: it must not come to life again. */
  | { outcome: 'released' }

/** Names a reservation: the order's own, or with `reservationId` the one of a parcel that replaces a lost one. */
export interface ReservationRef {
  orderId: string
  reservationId?: string
}

export interface InventoryActivities {
  /** Holds stock for an order, all lines or none; a repeat gives the same answer. */
  reserveInventory(input: ReserveInput): Promise<ReserveResult>
  /** Makes the hold permanent. Fails for good (`Refused`) when the hold is gone. */
  commitReservation(input: ReservationRef): Promise<void>
  /** Moves the end of a hold, never back. Fails for good (`Refused`) when the hold is gone. */
  extendReservation(input: ReservationRef & { until: string }): Promise<void>
  /** Gives back what a parcel that was given up would have taken; once per shipment. Fails for good (`Refused`) when it has left. */
  releaseParcelStock(input: ParcelStock): Promise<void>
  /** Takes returned goods in, or writes them off; once per return. Fails for good (`Refused`) where there is no such warehouse. */
  restock(input: RestockInput): Promise<void>
  /** Holds whose time is up, and places in the queue not heard of for an hour: the reconciliation asks who still wants them. */
  findExpiredHolds(): Promise<{ orderIds: string[] }>
  /** Ends a hold whose time is up, or a place in the queue, which no running order owns. */
  expireReservation(input: { orderId: string }): Promise<void>
  /** Undoes a reservation in whatever state it is; where there is none, leaves a tombstone against a late one. */
  releaseReservation(input: ReservationRef): Promise<void>
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
  extendReservation: ExtendReservation
  releaseReservation: ReleaseReservation
  releaseParcelStock: ReleaseParcelStock
  restock: Restock
  findExpiredHolds: FindExpiredHolds
  expireReservation: ExpireReservation
}

export const createInventoryActivities = (useCases: InventoryUseCases): InventoryActivities => ({
  async reserveInventory(input) {
    const answer = await useCases.reserveStock(input)
    if (answer.outcome === 'refused') throw refused(`Order ${input.orderId}: ${answer.reason}.`)
    return answer
  },
  async commitReservation(ref) {
    if ((await useCases.commitReservation(ref)) === 'gone') throw notHeld(ref)
  },
  async extendReservation(extension) {
    if ((await useCases.extendReservation(extension)) === 'gone') throw notHeld(extension)
  },
  releaseReservation: (ref) => useCases.releaseReservation(ref),
  async releaseParcelStock(parcel) {
    const answer = await useCases.releaseParcelStock(parcel)
    if (answer.outcome === 'refused') throw refused(`Parcel ${parcel.shipmentId}: ${answer.reason}.`)
  },
  async restock(goods) {
    const answer = await useCases.restock(goods)
    if (answer.outcome === 'refused') throw refused(`Return ${goods.returnId}: ${answer.reason}.`)
  },
  findExpiredHolds: async () => ({ orderIds: await useCases.findExpiredHolds() }),
  expireReservation: ({ orderId }) => useCases.expireReservation(orderId),
})

const notHeld = ({ orderId }: ReservationRef): ApplicationFailure =>
  refused(`The stock of order ${orderId} is not held any more.`)

const refused = (message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, FAILURE.refused)
