import type { Apply } from './apply.ts'
import { raiseConcern, settleConcern } from '../concerns.ts'

/** What a customer's bank takes back is put before the operators; what it gives back has settled itself. */
export const noteDispute: Apply = async (tx, { eventType, version, payload }) => {
  if (eventType !== 'payment.disputed') return
  const { orderId, paymentId, code } = payload
  const prefix = `dispute:${paymentId}:`
  if (code === 'won') {
    const open = await tx.$queryRaw<{ source: string }[]>`
      SELECT source FROM concerns
      WHERE order_id = ${orderId}::uuid AND starts_with(source, ${prefix}) AND settled_at IS NULL`
    for (const { source } of open) {
      await settleConcern(tx, { orderId, source, note: 'The bank has given the money back.' })
    }
    return
  }
  const error = code === 'lost' ? 'The dispute is lost.' : 'The customer’s bank has taken the money back.'
  await raiseConcern(tx, {
    orderId,
    source: `${prefix}${version}`,
    step: 'payment',
    operation: 'dispute',
    error,
  })
}
