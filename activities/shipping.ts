/** The workflows' door to the shipping service. */
import { ApplicationFailure } from '@temporalio/common'
import type { ScanStatus } from '#contracts/http/shipping.ts'
import type { ShipmentStatus } from '#contracts/states.ts'
import { FAILURE, type Finding, type ParcelReport } from '#contracts/workflows.ts'
import type { BookShipment, NewShipment } from '#services/shipping/book-shipment.ts'
import type { CancelShipment } from '#services/shipping/cancel-shipment.ts'
import type { LocateParcel } from '#services/shipping/locate-parcel.ts'
import type { RecordParcel } from '#services/shipping/record-parcel.ts'
import type { FindStrayParcels } from '#services/shipping/stray-parcels.ts'

export type BookResult =
  /** `status`: where the parcel is now, which a repeat may find on its way; earlier versions did not say it of booked ones. */
  { outcome: 'booked'; trackingNumber: string; status?: 'booked' | ScanStatus } | { outcome: 'cancelled' }

export interface ShippingActivities {
  /** Creates the shipment and books it with the carrier; a repeat finds the first booking. */
  bookShipment(input: NewShipment): Promise<BookResult>
  /** Moves the shipment to where the parcel was seen; a repeat changes nothing. */
  recordParcel(input: { shipmentId: string } & ParcelReport): Promise<void>
  /** Cancels a shipment that has not left; where there is none, leaves a tombstone against a late booking. */
  cancelShipment(input: { shipmentId: string; orderId: string; warehouse: string }): Promise<void>
  /** Where the parcel is; pending also where it was never heard of. */
  locateParcel(input: { shipmentId: string }): Promise<{ status: ShipmentStatus }>
  /** Parcels that the carrier took although their shipments had been cancelled: finding kind `parcel_astray`. */
  findStrayParcels(): Promise<Finding[]>
}

export interface ShippingUseCases {
  bookShipment: BookShipment
  recordParcel: RecordParcel
  cancelShipment: CancelShipment
  locateParcel: LocateParcel
  findStrayParcels: FindStrayParcels
}

export const createShippingActivities = (useCases: ShippingUseCases): ShippingActivities => ({
  bookShipment: (input) => useCases.bookShipment(input),
  async recordParcel(report) {
    if ((await useCases.recordParcel(report)) === 'recorded') return
    throw refused(`Shipment ${report.shipmentId} cannot become ${report.status}.`)
  },
  locateParcel: async ({ shipmentId }) => ({ status: await useCases.locateParcel(shipmentId) }),
  findStrayParcels: () => useCases.findStrayParcels(),
  async cancelShipment(shipment) {
    if ((await useCases.cancelShipment(shipment)) === 'cancelled') return
    throw refused(`The parcel of shipment ${shipment.shipmentId} has left.`)
  },
})

const refused = (message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, FAILURE.refused)
