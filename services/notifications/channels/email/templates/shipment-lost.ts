import { compose, seeOrder, type Message } from './message.ts'
import { listLines } from './lines.ts'
import type { ParcelFacts } from './shipment-dispatched.ts'

/** Whether it is sent again or paid back is decided by the order; the customer is told of that when it happens. */
export const shipmentLost = ({ name, number, link, lines }: ParcelFacts): Message =>
  compose(
    `A parcel of your order ${number} was lost`,
    [
      `Dear ${name},`,
      `we are sorry: a parcel of your order ${number} was lost on its way.`,
      `In it: ${listLines(lines)}.`,
      'You do not lose by it: we send the goods again or give you the money back, and tell you which.',
    ],
    seeOrder({ link }),
  )
