import type { Sql } from '#platform/database.ts'
import { NEVER_CAME_UP } from './amendment.ts'

/** An order that has ended is not amended any more; what was asked for and never came up is forgotten. */
export async function closeAmendments(tx: Sql, orderId: string): Promise<void> {
  await tx.$executeRaw`
    UPDATE amendments SET status = 'refused', shipping_address = NULL, code = ${NEVER_CAME_UP},
      message = 'The order has come to its end.'
    WHERE order_id = ${orderId}::uuid AND status = 'requested'`
}
