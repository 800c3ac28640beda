import type { Sql } from '#platform/database.ts'
import { REPLACED, type AmendmentRef } from './amendment.ts'

/** Whoever was to hear of it has heard by then: what is still not accepted was answered with an error. */
const UNHEARD_AFTER_SECONDS = 60

/**
 * Of changes that name the same version of the order one is made. One that was never accepted (Temporal was away, and its
 * sender did not come again) gives way to the next, and is refused should the workflow hear of it after all. Call it under
 * the order's lock. @returns false when another one is being made
 */
export async function replaceUnheard(tx: Sql, { orderId, amendmentId }: AmendmentRef): Promise<boolean> {
  const others = await tx.$queryRaw<{ unheard: boolean }[]>`
    SELECT quote IS NULL AND requested_at < now() - make_interval(secs => ${UNHEARD_AFTER_SECONDS})
      AND NOT EXISTS (
        SELECT 1 FROM timeline_entries AS told WHERE told.order_id = amendments.order_id AND source = 'update:' || amendments.id
      ) AS unheard
    FROM amendments
    WHERE order_id = ${orderId}::uuid AND status = 'requested' AND id <> ${amendmentId}::uuid
    FOR UPDATE`
  if (others.some(({ unheard }) => !unheard)) return false
  if (others.length === 0) return true
  await tx.$executeRaw`
    UPDATE amendments SET status = 'refused', shipping_address = NULL, code = ${REPLACED},
      message = 'Another change of the order was made instead.'
    WHERE order_id = ${orderId}::uuid AND status = 'requested' AND id <> ${amendmentId}::uuid`
  return true
}
