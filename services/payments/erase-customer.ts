/** Of an erased customer's refunds what operators wrote about them goes; amounts and codes stay, for the books. */
import { subscription } from '#contracts/consumers.ts'
import type { Sql } from '#platform/database.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import type { EventSubscription } from '#platform/service.ts'

/** A repeat changes nothing, and order does not matter. */
export const erasureConsumer = (transact: UnitOfWork<Sql>): EventSubscription => ({
  ...subscription('payments-erasure'),
  async handle({ eventType, payload }) {
    if (eventType !== 'user.erased') return
    await transact(async (tx) => {
      const refunds = await tx.$queryRaw<{ id: string }[]>`
        UPDATE refunds SET reason = 'erased' FROM payments
        WHERE payments.id = payment_id AND customer_id = ${payload.userId}::uuid AND requested_by IS NOT NULL
        RETURNING refunds.id`
      // the stored answer stays, so that a repeat gives nothing back again
      await tx.$executeRaw`
        UPDATE idempotency_keys SET body = jsonb_set(body, '{reason}', '"erased"')
        WHERE body->>'id' = ANY(${refunds.map(({ id }) => id)})`
    })
  },
})
