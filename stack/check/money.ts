/** Invariant 3: what the provider holds and took is what was sold, and what our books say. */
import type { Finding } from './findings.ts'
import { readProviderBooks, type ProviderMoney } from './provider-books.ts'
import type { Sources } from './sources.ts'

interface OrderMoney {
  id: string
  number: string
  status: string
  total: string
}

interface PaymentRow {
  order_id: string
  captured: string
  refunded: string
  disputed: string
}

interface AuthorizationRow {
  order_id: string
  provider_id: string
  standing: string
  shipment_id: string | null
  captured: string
  refunded: string
  released: string
  disputed: string
}

export async function checkMoney(sources: Sources): Promise<Finding[]> {
  const theirs = readProviderBooks(await sources.providerLedger())
  const payments = await sources.query<PaymentRow>(
    'payments',
    'SELECT order_id, captured, refunded, disputed FROM payments',
  )
  const ours = await sources.query<AuthorizationRow>(
    'payments',
    `SELECT order_id, provider_id, standing, shipment_id, made.captured, made.refunded, made.released,
            made.disputed + made.charged_back AS disputed
     FROM authorizations made JOIN payments payment ON payment.id = made.payment_id
     WHERE provider_id IS NOT NULL AND (made.status = 'authorized' OR made.released > 0)`,
  )
  const orders = await sources.query<OrderMoney>('orders', 'SELECT id, number, status, total FROM orders')
  const unbalanced = await sources.query<{ transaction_id: string }>(
    'payments',
    'SELECT transaction_id FROM ledger_entries GROUP BY transaction_id HAVING sum(amount) <> 0',
  )
  const byOrder = Map.groupBy(theirs.values(), ({ orderId }) => orderId)
  const known = Map.groupBy(ours, ({ order_id }) => order_id)
  return [
    ...orders.flatMap((order) => checkOrder(order, byOrder.get(order.id) ?? [], known.get(order.id) ?? [])),
    ...payments.flatMap((payment) => checkPayment(payment, byOrder.get(payment.order_id) ?? [])),
    ...ours.flatMap((row) => checkAuthorization(row, theirs.get(row.provider_id))),
    ...unbalanced.map<Finding>(({ transaction_id: id }) => ({
      invariant: 3,
      subject: `ledger transaction ${id}`,
      problem: 'does not sum to zero',
    })),
  ]
}

const openOf = ({ authorized, captured, released }: ProviderMoney): number => authorized - captured - released

function checkOrder(
  { number, status, total }: OrderMoney,
  theirs: ProviderMoney[],
  ours: AuthorizationRow[],
): Finding[] {
  const findings: Finding[] = []
  const find = (problem: string) => findings.push({ invariant: 3, subject: number, problem })
  const kept = theirs.reduce((sum, { captured, refunded }) => sum + captured - refunded, 0)
  const live = theirs.filter((each) => openOf(each) > 0)
  const counted = ours.filter(({ standing }) => standing === 'current')
  const wanted = new Map(counted.map((row) => [row.provider_id, row.shipment_id ?? 'all']))
  for (const { id } of live) {
    if (!wanted.has(id)) find(`has the live authorization ${id}, which does not count for it`)
  }
  // one for the whole, or one for each parcel
  const purposes = live.map(({ id }) => wanted.get(id) ?? id)
  if (new Set(purposes).size !== purposes.length || (purposes.length > 1 && purposes.includes('all')))
    find(`has ${live.length} live authorizations`)
  if ((status === 'rejected' || status === 'cancelled') && (kept !== 0 || live.length > 0)) {
    find(`is ${status}, the provider keeps ${kept} and holds ${live.length} authorizations`)
  }
  if (kept > Number(total)) find(`costs ${total}, the provider took ${kept}`)
  return findings
}

/** The payment's sums are the provider's. */
function checkPayment(payment: PaymentRow, theirs: ProviderMoney[]): Finding[] {
  return compare(`order ${payment.order_id}`, ['captured', 'refunded', 'disputed'], payment, {
    captured: theirs.reduce((sum, { captured }) => sum + captured, 0),
    refunded: theirs.reduce((sum, { refunded }) => sum + refunded, 0),
    disputed: theirs.reduce((sum, { disputed }) => sum + disputed, 0),
  })
}

/** So is every authorization. */
function checkAuthorization(row: AuthorizationRow, theirs: ProviderMoney | undefined): Finding[] {
  const subject = `authorization ${row.provider_id} of order ${row.order_id}`
  if (theirs === undefined) return [{ invariant: 3, subject, problem: 'the provider does not know it' }]
  return compare(subject, ['captured', 'refunded', 'released', 'disputed'], row, theirs)
}

function compare<Field extends string>(
  subject: string,
  fields: readonly Field[],
  ours: Record<Field, string>,
  theirs: Record<Field, number>,
): Finding[] {
  return fields.flatMap((field) => {
    if (Number(ours[field]) === theirs[field]) return []
    const problem = `${field}: ours ${ours[field]}, the provider's ${theirs[field]}`
    return [{ invariant: 3, subject, problem } satisfies Finding]
  })
}
