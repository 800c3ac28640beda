import { compose, type Message } from './message.ts'
import type { ParcelFacts } from './shipment-dispatched.ts'

export const shipmentDelivered = ({ name, number, lines }: ParcelFacts): Message =>
  compose(`A parcel of your order ${number} was delivered`, [
    `Dear ${name},`,
    `a parcel of your order ${number} was delivered.`,
    `In it: ${lines.map(({ sku, quantity }) => `${quantity} × ${sku}`).join(', ')}.`,
  ])
