/** What an order would be with an amendment. Nothing of the order changes yet; the answer stays the same once given. */
import type { OrderTerms } from '#contracts/workflows.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { ProblemError } from '#platform/problem.ts'
import { readTerms, toTerms, type StandingTerms } from '../order-terms.ts'
import { priceAmendment } from '../pricing/price-amendment.ts'
import type { Pricing, SellableLine } from '../pricing/total-order.ts'
import { lockOrder, type LockedOrder } from '../lock-order.ts'
import { readLines } from '../revise-rows.ts'
import type { OrdersTransaction } from '../store.ts'
import { countUnits } from '../units.ts'
import { lockAmendment, type AmendmentRef, type AmendmentRow, type QuotedAmendment } from './amendment.ts'

export type AmendmentQuote =
  | { outcome: 'possible'; terms: OrderTerms; linesChanged: boolean }
  | { outcome: 'refused'; code: string; message: string }

export type QuoteAmendment = (input: AmendmentRef) => Promise<AmendmentQuote>

interface Dependencies {
  transact: UnitOfWork<OrdersTransaction>
  pricing: Pricing
}

export const createQuoteAmendment =
  ({ transact, pricing }: Dependencies): QuoteAmendment =>
  ({ orderId, amendmentId }) =>
    transact(async (tx) => {
      const order = await lockOrder(tx, orderId)
      const amendment = await lockAmendment(tx, { orderId, amendmentId })
      if (amendment.status === 'refused') {
        const { code, message } = amendment
        return { outcome: 'refused', code: code ?? 'amendment_refused', message: message ?? '' }
      }
      const known = await readLines(tx, orderId)
      if (amendment.quote !== null) return possible(amendment.quote)
      if (await isErased(tx, order)) {
        const message = 'The customer’s account is gone.'
        return { outcome: 'refused', code: 'order_not_amendable', message }
      }
      // its workflow was reset to before its parcels, and could be changed once more but for them
      if (await hasParcels(tx, orderId)) {
        const message = 'The order’s parcels are on their way.'
        return { outcome: 'refused', code: 'order_not_amendable', message }
      }
      const terms = await readTerms(tx, orderId)
      try {
        const quote = await quoted(tx, { amendment, terms, known, pricing })
        await tx.$executeRaw`
          UPDATE amendments SET quote = ${JSON.stringify(quote)}::jsonb WHERE id = ${amendmentId}::uuid`
        return possible(quote)
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error
        return { outcome: 'refused', code: error.code, message: error.message }
      }
    })

interface Quotable {
  amendment: AmendmentRow
  terms: StandingTerms
  known: SellableLine[]
  pricing: Pricing
}

async function quoted(
  tx: OrdersTransaction,
  { amendment, terms, known, pricing }: Quotable,
): Promise<QuotedAmendment> {
  const quote = await priceAmendment(tx, {
    known,
    wanted: amendment.lines ?? known,
    currency: terms.currency,
    country: amendment.shipping_address?.country ?? terms.country,
    pricing,
  })
  const [before, after] = [countUnits(known), countUnits(quote.lines)]
  const linesChanged =
    before.size !== after.size || [...after].some(([sku, units]) => before.get(sku) !== units)
  return { ...quote, linesChanged }
}

const possible = ({ linesChanged, ...quote }: QuotedAmendment): AmendmentQuote => ({
  outcome: 'possible',
  terms: toTerms(quote),
  linesChanged,
})

async function isErased(tx: OrdersTransaction, { customer_id: customerId }: LockedOrder): Promise<boolean> {
  const rows = await tx.$queryRaw<unknown[]>`
    SELECT 1 FROM erased_customers WHERE customer_id = ${customerId}::uuid`
  return rows.length > 0
}

async function hasParcels(tx: OrdersTransaction, orderId: string): Promise<boolean> {
  const rows = await tx.$queryRaw<
    unknown[]
  >`SELECT 1 FROM order_shipments WHERE order_id = ${orderId}::uuid LIMIT 1`
  return rows.length > 0
}
