/** The workflows' door to the shipping service. */
import type { Address, SkuQuantity } from '#contracts/schemas.ts'
import type { ParcelReport } from '#contracts/workflows.ts'

export interface BookInput {
  shipmentId: string
  orderId: string
  customerId: string
  warehouse: string
  lines: SkuQuantity[]
  address: Address
}

export type BookResult = { outcome: 'booked'; trackingNumber: string } | { outcome: 'cancelled' }

export interface ShippingActivities {
  /** Creates the shipment and books it with the carrier; a repeat finds the first booking. */
  bookShipment(input: BookInput): Promise<BookResult>
  /** Moves the shipment to where the parcel was seen; a repeat changes nothing. */
  recordParcel(input: { shipmentId: string } & ParcelReport): Promise<void>
  /** Cancels a shipment that has not left; where there is none, leaves a tombstone against a late booking. */
  cancelShipment(input: { shipmentId: string; orderId: string; warehouse: string }): Promise<void>
}
