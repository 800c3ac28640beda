import { compose, seeOrder, type Message, type OrderFacts } from './message.ts'
import { listLines, type Lines } from './lines.ts'

export interface ParcelFacts extends OrderFacts {
  carrier: string | null
  trackingNumber: string | null
  lines: Lines
}

export const shipmentDispatched = ({
  name,
  number,
  link,
  carrier,
  trackingNumber,
  lines,
}: ParcelFacts): Message =>
  compose(
    `A parcel of your order ${number} is on its way`,
    [
      `Dear ${name},`,
      `a parcel of your order ${number} has left our warehouse${carrier === null ? '' : ` with ${carrier}`}.`,
      `In it: ${listLines(lines)}.`,
      ...(trackingNumber === null ? [] : [`Its tracking number is ${trackingNumber}.`]),
    ],
    seeOrder({ link }),
  )
