/** Takes out of orders what tells of their customer; codes, amounts and states stay, for the books. */
import type { Sql } from '#platform/database.ts'

/** Words are forgotten at once; addresses when their order has ended, because until then something may be sent there. */
export async function forgetPeople(tx: Sql, orderIds: readonly string[]): Promise<void> {
  await forgetAddresses(tx, orderIds)
  await forgetWords(tx, orderIds)
  // what was answered before shows both, also what operators were answered: a return's answer names its order
  await tx.$executeRaw`
    DELETE FROM idempotency_keys
    WHERE (body->>'id' = ANY(${orderIds}) OR body->>'orderId' = ANY(${orderIds})) AND status IS NOT NULL`
}

/** Of the address only the country stays, for the tax. */
async function forgetAddresses(tx: Sql, orderIds: readonly string[]): Promise<void> {
  await tx.$executeRaw`
    UPDATE orders SET shipping_address = jsonb_build_object('name', 'erased', 'line1', 'erased', 'city', 'erased',
      'postalCode', 'erased', 'country', shipping_address->>'country')
    WHERE id = ANY(${orderIds}::uuid[]) AND status IN ('completed', 'rejected', 'cancelled')`
  // a change that came just when its order ended
  await tx.$executeRaw`
    UPDATE amendments SET shipping_address = NULL FROM orders
    WHERE orders.id = order_id AND order_id = ANY(${orderIds}::uuid[])
      AND orders.status IN ('completed', 'rejected', 'cancelled')`
}

/** What people wrote themselves, and the operators about them; whatever else is said there, the platform says. */
async function forgetWords(tx: Sql, orderIds: readonly string[]): Promise<void> {
  await tx.$executeRaw`
    UPDATE orders SET reason_message = 'erased'
    WHERE id = ANY(${orderIds}::uuid[]) AND reason_code = 'cancelled'`
  await tx.$executeRaw`
    UPDATE return_lines SET reason = 'erased' FROM returns
    WHERE returns.id = return_id AND returns.order_id = ANY(${orderIds}::uuid[])`
  await tx.$executeRaw`
    UPDATE returns SET reason = 'erased'
    WHERE order_id = ANY(${orderIds}::uuid[]) AND status = 'rejected' AND reason IS NOT NULL`
  await tx.$executeRaw`
    UPDATE concerns SET note = 'erased'
    WHERE order_id = ANY(${orderIds}::uuid[]) AND settled_by <> 'system'`
  // a return's workflow settles its questions itself, also those that an operator has answered: see workflows/concerns.ts
  await tx.$executeRaw`
    UPDATE concerns SET note = split_part(note, ': ', 1) || ': erased'
    WHERE order_id = ANY(${orderIds}::uuid[]) AND settled_by = 'system' AND note ~ '^(retry|resolve) by '`
  await tx.$executeRaw`
    UPDATE timeline_entries SET detail =
      CASE WHEN kind = 'operator' OR name = 'order.attention_cleared' THEN split_part(detail, ': ', 1) || ': erased' ELSE 'erased' END
    WHERE order_id = ANY(${orderIds}::uuid[]) AND detail IS NOT NULL AND (
      (kind = 'event' AND name IN ('order.cancelling', 'order.cancelled', 'return.rejected'))
      OR (kind = 'event' AND name = 'order.attention_cleared' AND detail ~ '^(retry|resolve) by ')
      OR (kind = 'operator' AND name IN ('retry', 'resolve')))`
}
