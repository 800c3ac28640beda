/** Which e-mail an event becomes, and for whom. */
import type { AnyDomainEvent } from '#contracts/events.ts'
import type { FindContact } from './contacts.ts'
import type { Mailer, Recipient } from './mailer.ts'
import type { OrderCustomers } from './order-customers.ts'
import type { SendOnce } from './send-once.ts'
import { attentionRaised } from './templates/attention-raised.ts'
import type { Message } from './templates/message.ts'
import { orderCancelled } from './templates/order-cancelled.ts'
import { orderConfirmed } from './templates/order-confirmed.ts'
import { orderPlaced } from './templates/order-placed.ts'
import { orderRejected } from './templates/order-rejected.ts'
import { shipmentDelivered } from './templates/shipment-delivered.ts'
import { shipmentDispatched } from './templates/shipment-dispatched.ts'

export interface NotifyDependencies {
  orderCustomers: OrderCustomers
  findContact: FindContact
  sendOnce: SendOnce
  mailer: Mailer
  /** Where operators read their mail. */
  operationsEmail?: string
}

export type Notify = (event: AnyDomainEvent) => Promise<void>

/** Sends the e-mail of an event, once. An erased customer gets none, and that is no failure. */
export const createNotify =
  ({ orderCustomers, findContact, sendOnce, mailer, operationsEmail }: NotifyDependencies): Notify =>
  async (event) => {
    if (event.eventType === 'order.created') await orderCustomers.remember(event.aggregateId, event.payload)
    if (event.eventType === 'order.attention_raised') {
      if (operationsEmail !== undefined)
        await send({ email: operationsEmail }, attentionRaised(event.payload))
      return
    }
    const letter = await letterFor(event, orderCustomers)
    if (letter === undefined) return
    const contact = await findContact(letter.customerId)
    if (contact !== undefined) await send(contact, letter.write(contact.name))

    function send(to: Recipient, message: Message): Promise<void> {
      return sendOnce(`${event.eventId}.email`, () => mailer.send(event.eventId, to, message))
    }
  }

interface Letter {
  customerId: string
  write(name: string): Message
}

async function letterFor(event: AnyDomainEvent, orderCustomers: OrderCustomers): Promise<Letter | undefined> {
  switch (event.eventType) {
    case 'order.created':
      return toCustomer(event.payload, orderPlaced)
    case 'order.confirmed':
      return toCustomer(event.payload, orderConfirmed)
    case 'order.cancelled':
      return toCustomer(event.payload, orderCancelled)
    case 'order.rejected':
      return toCustomer(event.payload, orderRejected)
    case 'shipment.dispatched':
      return toCustomer(
        { ...event.payload, ...(await orderCustomers.find(event.payload.orderId)) },
        shipmentDispatched,
      )
    case 'shipment.delivered':
      return toCustomer(
        { ...event.payload, ...(await orderCustomers.find(event.payload.orderId)) },
        shipmentDelivered,
      )
    default:
      return undefined
  }
}

const toCustomer = <F extends { customerId: string }>(
  facts: F,
  write: (facts: F & { name: string }) => Message,
): Letter => ({ customerId: facts.customerId, write: (name) => write({ ...facts, name }) })
