/** What the orders service gave back, the payments service paid: to the unit, and once. */
import type { Finding } from './findings.ts'
import type { Sources } from './sources.ts'

/** Of orders: no operator has settled anything of it otherwise. */
export const NOT_RESOLVED = `NOT EXISTS (SELECT 1 FROM timeline_entries AS told
  WHERE told.order_id = orders.id AND told.kind = 'operator' AND told.name = 'resolve')`

interface Promised {
  id: string
  order_id: string
  amount: string
  /** A lost parcel gives back what is left, where more has gone back by hand. */
  or_what_is_left: boolean
}

/** A movement of what the provider has captured for us, and how much that is afterwards. */
interface Posting {
  order_id: string
  refund: string | null
  shipment_id: string | null
  balance: string
}

export async function checkRefunds(sources: Sources): Promise<Finding[]> {
  const promised = await sources.query<Promised>(
    'orders',
    `SELECT returns.id, order_id, coalesce(returns.refunded, goods + returns.shipping) AS amount, false AS or_what_is_left
     FROM returns JOIN orders ON orders.id = order_id
     WHERE returns.status = 'refunded' AND coalesce(returns.refunded, goods + returns.shipping) > 0 AND ${NOT_RESOLVED}
     UNION ALL
     SELECT shipment_id, order_id, goods + lost.shipping, true FROM lost_parcels AS lost JOIN orders ON orders.id = order_id
     WHERE orders.status = 'completed' AND goods + lost.shipping > 0 AND ${NOT_RESOLVED}
       AND NOT given_up -- shipping that goes back is what is left of it: perhaps nothing was charged`,
  )
  const paid = await sources.query<{ reference: string; amount: string }>(
    'payments',
    `SELECT reference, amount FROM refunds WHERE status = 'succeeded'`,
  )
  const amounts = new Map(paid.map(({ reference, amount }) => [reference, Number(amount)]))
  const wrong = promised
    .map((each) => ({ ...each, amount: Number(each.amount), back: amounts.get(each.id) ?? 0 }))
    .filter(({ amount, back }) => back !== amount)
  const less = wrong.filter(({ or_what_is_left, amount, back }) => or_what_is_left && back < amount)
  const postings = await readPostings(sources, new Set(less.map(({ order_id }) => order_id)))
  const allThereWas = new Set(
    less.filter(({ id, order_id }) => leftNothing(postings.get(order_id) ?? [], id)).map(({ id }) => id),
  )
  return wrong
    .filter(({ id }) => !allThereWas.has(id))
    .map(({ id, amount, back }) => ({
      invariant: 3,
      subject: `return or parcel ${id}`,
      problem: `gives back ${amount}, paid back is ${back}`,
    }))
}

/** Whether the parcel’s refund, or what went back before that, left nothing of all that had been captured by then. */
function leftNothing(postings: readonly Posting[], id: string): boolean {
  const refunded = postings.findLastIndex(({ refund }) => refund === id)
  const captured = postings.findIndex(({ shipment_id: shipment }) => shipment === id)
  // what takes a lost parcel's place is not captured for
  const since = Math.max(refunded === -1 ? captured : refunded, 0)
  return postings.slice(since).some(({ balance }) => Number(balance) <= 0)
}

async function readPostings(
  sources: Sources,
  orderIds: ReadonlySet<string>,
): Promise<Map<string, Posting[]>> {
  if (orderIds.size === 0) return new Map()
  const rows = await sources.query<Posting>(
    'payments',
    `SELECT order_id, refund.reference AS refund, shipment_id,
            sum(entry.amount) OVER (PARTITION BY entry.payment_id ORDER BY entry.id) AS balance
     FROM ledger_entries AS entry JOIN payments AS payment ON payment.id = entry.payment_id
     LEFT JOIN attempts AS attempt ON attempt.id = attempt_id LEFT JOIN refunds AS refund ON refund.id = refund_id
     WHERE account = 'provider_balance' AND order_id IN (${[...orderIds].map((id) => `'${id}'`).join()})
     ORDER BY entry.id`,
  )
  return Map.groupBy(rows, ({ order_id: orderId }) => orderId)
}
