import { compose, seeOrder, type Message } from './message.ts'
import { listLines } from './lines.ts'
import type { ParcelFacts } from './shipment-dispatched.ts'

export const shipmentDelivered = ({ name, number, link, lines }: ParcelFacts): Message =>
  compose(
    `A parcel of your order ${number} was delivered`,
    [`Dear ${name},`, `a parcel of your order ${number} was delivered.`, `In it: ${listLines(lines)}.`],
    seeOrder({ link }),
  )
