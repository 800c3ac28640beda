/** An erased account leaves its orders anonymous: at once those that have ended, the others when they do. */
import type { Sql } from '#platform/database.ts'
import { firstTime } from '#platform/events/inbox.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import type { EventSubscription } from '#platform/service.ts'
import { subscription } from '#contracts/consumers.ts'
import { forgetPeople } from './forget-people.ts'
import type { OrderFacts } from './order-event.ts'
import type { OrdersTransaction } from './store.ts'

const ERASURE = 'orders-erasure'

export const erasureConsumer = (transact: UnitOfWork<OrdersTransaction>): EventSubscription => ({
  ...subscription(ERASURE),
  async handle({ eventId, eventType, payload }) {
    if (eventType !== 'user.erased') return
    const { userId } = payload
    await transact(async (tx) => {
      if (!(await firstTime(tx, { consumer: ERASURE, eventId }))) return
      await tx.$executeRaw`INSERT INTO erased_customers (customer_id) VALUES (${userId}::uuid) ON CONFLICT DO NOTHING`
      await tx.$executeRaw`DELETE FROM idempotency_keys WHERE caller = ${userId} AND status IS NOT NULL`
      // under their locks: who writes to one of them now has done so before this, or finds that the customer is erased
      const orders = await tx.$queryRaw<{ id: string }[]>`
        SELECT id FROM orders WHERE customer_id = ${userId}::uuid ORDER BY id FOR NO KEY UPDATE`
      await forgetPeople(
        tx,
        orders.map(({ id }) => id),
      )
    })
  },
})

/** For what is written about an order after its customer was erased. Call it under the order's lock. */
export async function forgetIfErased(
  tx: Sql,
  { id, customer_id: customerId }: Pick<OrderFacts, 'id' | 'customer_id'>,
): Promise<void> {
  const erased = await tx.$queryRaw<unknown[]>`
    SELECT FROM erased_customers WHERE customer_id = ${customerId}::uuid`
  if (erased.length > 0) await forgetPeople(tx, [id])
}
