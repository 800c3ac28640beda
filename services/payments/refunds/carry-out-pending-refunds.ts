import type { Logger } from '#platform/logger.ts'
import type { Sql } from '#platform/database.ts'
import type { CarryOutRefund } from './carry-out-refund.ts'

const BATCH = 20
/** Whoever promised it is still at it. */
const YOUNG_SECONDS = 5

export interface PendingRefunds {
  database: Sql
  carryOutRefund: CarryOutRefund
  logger: Logger
}

/** Goes on with refunds that were promised and not carried out, because the provider was away or a process died. */
export async function carryOutPendingRefunds({
  database,
  carryOutRefund,
  logger,
}: PendingRefunds): Promise<void> {
  const pending = await database.$queryRaw<{ id: string; orderId: string }[]>`
    SELECT refund.id, payment.order_id AS "orderId"
    FROM refunds refund JOIN payments payment ON payment.id = refund.payment_id
    WHERE refund.status = 'pending' AND refund.created_at < now() - make_interval(secs => ${YOUNG_SECONDS})
    ORDER BY random() LIMIT ${BATCH}`
  for (const { id, orderId } of pending) {
    try {
      await carryOutRefund(orderId, id)
    } catch (error) {
      logger.warn({ err: error, refundId: id }, 'a refund could not be carried out yet')
    }
  }
}
