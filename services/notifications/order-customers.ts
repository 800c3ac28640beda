/** Whose an order is: remembered when it is placed, since later events of its parcels do not say. Ids only. */
import Type, { type Static } from 'typebox'
import { Id } from '#contracts/schemas.ts'
import { EventGapError } from '#platform/events/inbox.ts'
import { parser } from '#platform/validation.ts'
import type { Bucket } from './buckets.ts'

const OrderCustomer = Type.Object({ customerId: Id, number: Type.String() })
export type OrderCustomer = Static<typeof OrderCustomer>

const parseCustomer = parser('the customer of an order', OrderCustomer)

export interface OrderCustomers {
  remember(orderId: string, customer: OrderCustomer): Promise<void>
  /** @throws EventGapError when the order's own event has not arrived yet */
  find(orderId: string): Promise<OrderCustomer>
}

export const createOrderCustomers = (bucket: Bucket): OrderCustomers => ({
  async remember(orderId, { customerId, number }) {
    await bucket.create(orderId, { customerId, number })
  },
  async find(orderId) {
    const entry = await bucket.read(orderId)
    if (entry === undefined) throw new EventGapError(`the customer of order ${orderId} is not known yet`)
    return parseCustomer(entry.value)
  },
})
