import { compose, type Message, type OrderFacts } from './message.ts'

export interface ParcelFacts extends OrderFacts {
  carrier: string | null
  trackingNumber: string | null
  lines: readonly { sku: string; quantity: number }[]
}

export const shipmentDispatched = ({ name, number, carrier, trackingNumber, lines }: ParcelFacts): Message =>
  compose(`A parcel of your order ${number} is on its way`, [
    `Dear ${name},`,
    `a parcel of your order ${number} has left our warehouse${carrier === null ? '' : ` with ${carrier}`}.`,
    `In it: ${lines.map(({ sku, quantity }) => `${quantity} × ${sku}`).join(', ')}.`,
    ...(trackingNumber === null ? [] : [`Its tracking number is ${trackingNumber}.`]),
  ])
