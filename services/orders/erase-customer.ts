/** An erased account leaves its orders anonymous: at once those that have ended, the others when they do. */
import type { Sql } from '#platform/database.ts'
import { firstTime } from '#platform/events/inbox.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import type { EventSubscription } from '#platform/service.ts'
import { subjectsOf } from '#contracts/events.ts'
import type { OrdersTransaction } from './store.ts'

const ERASURE = 'orders-erasure'

export const erasureConsumer = (transact: UnitOfWork<OrdersTransaction>): EventSubscription => ({
  durable: ERASURE,
  subjects: [subjectsOf('user', 'users')],
  async handle({ eventId, eventType, payload }) {
    if (eventType !== 'user.erased') return
    const { userId } = payload
    await transact(async (tx) => {
      if (!(await firstTime(tx, { consumer: ERASURE, eventId }))) return
      await tx.$executeRaw`INSERT INTO erased_customers (customer_id) VALUES (${userId}::uuid) ON CONFLICT DO NOTHING`
      // stored answers hold the address too, also those that operators got
      await tx.$executeRaw`
        DELETE FROM idempotency_keys
        WHERE (caller = ${userId} OR body->>'customerId' = ${userId}) AND status IS NOT NULL`
      // what people write about why they send something back may be about themselves
      await tx.$executeRaw`
        UPDATE return_lines SET reason = 'erased' FROM returns
        WHERE returns.id = return_id AND returns.customer_id = ${userId}::uuid`
      await forgetAddresses(tx, userId)
    })
  },
})

/** Removes the addresses of an erased customer's ended orders; of the address only the country stays, for the tax. */
export async function forgetAddresses(tx: Sql, customerId: string): Promise<void> {
  await tx.$executeRaw`
    UPDATE orders SET shipping_address = jsonb_build_object('name', 'erased', 'line1', 'erased', 'city', 'erased',
      'postalCode', 'erased', 'country', shipping_address->>'country')
    WHERE customer_id = ${customerId}::uuid AND status IN ('completed', 'rejected', 'cancelled')
      AND EXISTS (SELECT 1 FROM erased_customers WHERE customer_id = ${customerId}::uuid)`
}
