/** The saga's door to the inventory service. */
import { ApplicationFailure } from '@temporalio/common'
import { FAILURE } from '#contracts/workflows.ts'
import type { CommitReservation } from '#services/inventory/commit-reservation.ts'
import type { Shortage } from '#services/inventory/demands.ts'
import type { ExpireReservation, FindExpiredHolds } from '#services/inventory/expire-reservation.ts'
import type { ExtendReservation } from '#services/inventory/extend-reservation.ts'
import type { Parcel } from '#services/inventory/parcels.ts'
import type { ReleaseParcelStock } from '#services/inventory/release-parcel-stock.ts'
import type { ReleaseReservation } from '#services/inventory/release-reservation.ts'
import type { ReservationRef } from '#services/inventory/reservations.ts'
import type { ReservationOutcome, ReserveStock, StockRequest } from '#services/inventory/reserve-stock.ts'
import type { Restock, ReturnedGoods } from '#services/inventory/restock.ts'

export type { Shortage, StockRequest }

/** A refusal is a failure (`Refused`). */
export type StockAnswer = Exclude<ReservationOutcome, { outcome: 'refused' }>

export interface InventoryActivities {
  /** Holds stock for an order, all lines or none; a repeat gives the same answer. */
  reserveInventory(input: StockRequest): Promise<StockAnswer>
  /** Makes the hold permanent. Fails for good (`Refused`) when the hold is gone. */
  commitReservation(input: ReservationRef): Promise<void>
  /** Moves the end of a hold, never back. Fails for good (`Refused`) when the hold is gone. */
  extendReservation(input: ReservationRef & { until: string }): Promise<void>
  /** Gives back what a parcel that was given up would have taken; once per shipment. Fails for good (`Refused`) when it has left. */
  releaseParcelStock(input: Parcel): Promise<void>
  /** Takes returned goods in, or writes them off; once per return. Fails for good (`Refused`) where there is no such warehouse. */
  restock(input: ReturnedGoods): Promise<void>
  /** Holds whose time is up, and places in the queue not heard of for an hour: the reconciliation asks who still wants them. */
  findExpiredHolds(): Promise<{ orderIds: string[] }>
  /** Ends a hold whose time is up, or a place in the queue, which no running order owns. */
  expireReservation(input: { orderId: string }): Promise<void>
  /** Undoes a reservation in whatever state it is; where there is none, leaves a tombstone against a late one. */
  releaseReservation(input: ReservationRef): Promise<void>
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
