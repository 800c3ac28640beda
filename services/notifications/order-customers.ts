/** Whose an order is: remembered when it is placed, since later events of its parcels do not say. Ids only. */
import Type, { type Static } from 'typebox'
import type { AnyDomainEvent } from '#contracts/events.ts'
import { Id } from '#contracts/schemas.ts'
import { EventGapError } from '#platform/events/inbox.ts'
import { parser } from '#platform/validation.ts'
import type { Bucket } from './buckets.ts'

const OrderCustomer = Type.Object({ customerId: Id, number: Type.String() })
export type OrderCustomer = Static<typeof OrderCustomer>

const parseCustomer = parser('the customer of an order', OrderCustomer)

export interface OrderCustomers {
  /** Remembers what the event of a new order tells; others tell nothing new. */
  notice(event: AnyDomainEvent): Promise<void>
  /** @throws EventGapError when the order's own event has not arrived yet */
  find(orderId: string): Promise<OrderCustomer>
  /** The order's number; undefined when its own event has not arrived yet. */
  numberOf(orderId: string): Promise<string | undefined>
}

export const createOrderCustomers = (bucket: Bucket): OrderCustomers => ({
  async notice(event) {
    if (event.eventType !== 'order.created') return
    const { orderId, customerId, number } = event.payload
    await bucket.create(orderId, { customerId, number })
  },
  async find(orderId) {
    const customer = await read(bucket, orderId)
    if (customer === undefined) throw new EventGapError(`the customer of order ${orderId} is not known yet`)
    return customer
  },
  numberOf: async (orderId) => (await read(bucket, orderId))?.number,
})

async function read(bucket: Bucket, orderId: string): Promise<OrderCustomer | undefined> {
  const entry = await bucket.read(orderId)
  return entry === undefined ? undefined : parseCustomer(entry.value)
}
