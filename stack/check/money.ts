/** Invariant 3: what the provider holds and took is what was sold. */
import type { Finding } from './findings.ts'
import type { ProviderEntry, Sources } from './sources.ts'

interface OrderMoney {
  id: string
  number: string
  status: string
  total: string
}

interface Authorization {
  orderId: string
  authorized: number
  captured: number
  refunded: number
  released: number
}

interface PaymentRow {
  order_id: string
  authorized: string
  captured: string
  refunded: string
  released: string
}

export async function checkMoney(sources: Sources): Promise<Finding[]> {
  const ledger = collect(await sources.providerLedger())
  const payments = await sources.query<PaymentRow>(
    'payments',
    'SELECT order_id, authorized, captured, refunded, released FROM payments',
  )
  const orders = await sources.query<OrderMoney>('orders', 'SELECT id, number, status, total FROM orders')
  const unbalanced = await sources.query<{ transaction_id: string }>(
    'payments',
    'SELECT transaction_id FROM ledger_entries GROUP BY transaction_id HAVING sum(amount) <> 0',
  )
  const byOrder = Map.groupBy(ledger, ({ orderId }) => orderId)
  return [
    ...orders.flatMap((order) => checkOrder(order, byOrder.get(order.id) ?? [])),
    ...payments.flatMap((payment) => checkPayment(payment, byOrder.get(payment.order_id) ?? [])),
    ...unbalanced.map<Finding>(({ transaction_id: id }) => ({
      invariant: 3,
      subject: `ledger transaction ${id}`,
      problem: 'does not sum to zero',
    })),
  ]
}

const live = ({ authorized, captured, released }: Authorization): boolean => authorized > captured + released

/** The provider's authorizations with what became of them; declined ones hold nothing. */
function collect(entries: ProviderEntry[]): Authorization[] {
  const found = new Map<string, Authorization>()
  for (const { type, authorizationId = '', reference = '', status, amount = 0, released = 0 } of entries) {
    const known = found.get(authorizationId)
    if (type === 'authorization' && status === 'authorized') {
      const orderId = reference.split(':', 1)[0] ?? ''
      found.set(authorizationId, { orderId, authorized: amount, captured: 0, refunded: 0, released: 0 })
    }
    if (known === undefined) continue
    if (type === 'capture') {
      known.captured += amount
      known.released += released
    }
    if (type === 'void') known.released += amount
    if (type === 'refund') known.refunded += amount
  }
  return [...found.values()]
}

function checkOrder({ number, status, total }: OrderMoney, authorizations: Authorization[]): Finding[] {
  const findings: Finding[] = []
  const find = (problem: string) => findings.push({ invariant: 3, subject: number, problem })
  const kept = authorizations.reduce((sum, { captured, refunded }) => sum + captured - refunded, 0)
  const open = authorizations.filter(live).length
  if (open > 1) find(`has ${open} live authorizations`)
  if ((status === 'rejected' || status === 'cancelled') && (kept !== 0 || open !== 0)) {
    find(`is ${status}, the provider keeps ${kept} and holds ${open} authorizations`)
  }
  if (kept > Number(total)) find(`costs ${total}, the provider took ${kept}`)
  return findings
}

/** Our row says what the provider's ledger says. */
function checkPayment(payment: PaymentRow, authorizations: Authorization[]): Finding[] {
  return (['authorized', 'captured', 'refunded', 'released'] as const).flatMap((field) => {
    const theirs = authorizations.reduce((sum, authorization) => sum + authorization[field], 0)
    const ours = Number(payment[field])
    if (ours === theirs) return []
    return [
      {
        invariant: 3,
        subject: `order ${payment.order_id}`,
        problem: `${field}: ours ${ours}, the provider's ${theirs}`,
      } satisfies Finding,
    ]
  })
}
