/** Which letter an event becomes, and for whom. Events that are not here are nobody's post. */
import type { AnyDomainEvent } from '#contracts/events.ts'
import type { OrderCustomers } from '../../order-customers.ts'
import { orderLink } from '../console.ts'
import { actionNeeded } from './templates/action-needed.ts'
import type { Message, OrderFacts } from './templates/message.ts'
import { orderCancelled } from './templates/order-cancelled.ts'
import { orderConfirmed } from './templates/order-confirmed.ts'
import { orderPlaced } from './templates/order-placed.ts'
import { orderRejected } from './templates/order-rejected.ts'
import { orderRevised } from './templates/order-revised.ts'
import { paymentRefunded } from './templates/payment-refunded.ts'
import { returnApproved } from './templates/return-approved.ts'
import { returnRefunded } from './templates/return-refunded.ts'
import { returnRejected } from './templates/return-rejected.ts'
import { shipmentDelivered } from './templates/shipment-delivered.ts'
import { shipmentDispatched } from './templates/shipment-dispatched.ts'
import { shipmentLost } from './templates/shipment-lost.ts'

export interface Letter {
  customerId: string
  /** @param name the customer's */
  write(name: string): Message
}

export interface LetterOptions {
  orderCustomers: OrderCustomers
  consoleUrl: string | undefined
}

/** @throws EventGapError when it is not known yet whose order the event is about */
export async function letterFor(
  event: AnyDomainEvent,
  { orderCustomers, consoleUrl }: LetterOptions,
): Promise<Letter | undefined> {
  switch (event.eventType) {
    case 'order.created':
      return toCustomer(event.payload, orderPlaced)
    case 'order.awaiting_customer':
      return toCustomer(event.payload, actionNeeded)
    case 'order.confirmed':
      return toCustomer(event.payload, orderConfirmed)
    case 'order.revised':
      return toCustomer(event.payload, orderRevised)
    case 'order.cancelled':
      return toCustomer(event.payload, orderCancelled)
    case 'order.rejected':
      return toCustomer(event.payload, orderRejected)
    case 'shipment.dispatched':
      return toCustomer(await ofOrder(event.payload), shipmentDispatched)
    case 'shipment.delivered':
      return toCustomer(await ofOrder(event.payload), shipmentDelivered)
    case 'shipment.lost':
      return toCustomer(await ofOrder(event.payload), shipmentLost)
    case 'payment.refunded':
      // what a return gives back is in its own letter
      return event.payload.refundFor === 'return'
        ? undefined
        : toCustomer(await ofOrder(event.payload), paymentRefunded)
    case 'return.approved':
      return toCustomer(event.payload, returnApproved)
    case 'return.rejected':
      return toCustomer(event.payload, returnRejected)
    case 'return.refunded':
      return toCustomer(event.payload, returnRefunded)
    default:
      return undefined
  }

  async function ofOrder<F extends { orderId: string }>(facts: F) {
    return { ...facts, ...(await orderCustomers.find(facts.orderId)) }
  }

  function toCustomer<F extends Omit<OrderFacts, 'name' | 'link'> & { customerId: string; orderId: string }>(
    facts: F,
    write: (facts: F & OrderFacts) => Message,
  ): Letter {
    const link = orderLink(consoleUrl, facts.orderId)
    return { customerId: facts.customerId, write: (name) => write({ ...facts, name, link }) }
  }
}
