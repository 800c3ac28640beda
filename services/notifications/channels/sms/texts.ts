/** Which text an event becomes, and for whom: only what cannot wait for somebody to read their mail. */
import type { AnyDomainEvent } from '#contracts/events.ts'
import type { OrderCustomers } from '../../order-customers.ts'
import { orderLink } from '../console.ts'
import { deadline } from '../deadline.ts'

export interface Text {
  customerId: string
  body: string
}

export interface TextOptions {
  orderCustomers: OrderCustomers
  consoleUrl: string | undefined
}

const QUESTIONS: Readonly<Record<string, string>> = {
  shortage_decision: 'needs your decision, not everything is in stock',
  payment_action: 'needs your approval of the payment',
  payment_method: 'needs another payment method',
}

/** @throws EventGapError when it is not known yet whose order the event is about */
export async function textFor(
  event: AnyDomainEvent,
  { orderCustomers, consoleUrl }: TextOptions,
): Promise<Text | undefined> {
  if (event.eventType === 'order.awaiting_customer') {
    const { customerId, orderId, number, reason, until } = event.payload
    const known = reason !== null && Object.hasOwn(QUESTIONS, reason) ? QUESTIONS[reason] : undefined
    const what = known ?? 'waits for an answer of yours'
    const by = until === undefined ? '' : ` by ${deadline(until)}`
    const link = orderLink(consoleUrl, orderId)
    const end = link === undefined ? '.' : `: ${link}`
    return { customerId, body: compose(`Your order ${number} ${what}${by}${end}`) }
  }
  if (event.eventType === 'shipment.dispatched') {
    const { orderId, carrier, trackingNumber } = event.payload
    const { customerId, number } = await orderCustomers.find(orderId)
    const by = [carrier, trackingNumber].filter((part) => part !== null).join(' ')
    return {
      customerId,
      body: compose(`A parcel of your order ${number} is on its way${by === '' ? '' : ` (${by})`}.`),
    }
  }
  return undefined
}

/** A longer one is sent as several, each of which costs. */
const LONGEST = 306

/** One line: what is inserted cannot make it look like two messages. */
const compose = (words: string): string =>
  // oxlint-disable-next-line no-control-regex -- control characters are what this takes out
  words.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ').slice(0, LONGEST)
