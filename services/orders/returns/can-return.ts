/** Whether a return has a chance: some unit may be returned, and there is money for it. Pure, on an order's rows. */
import { sum } from '#contracts/money.ts'
import type { OrderRow, PaymentRow, ReturnRow } from '../rows.ts'
import { goodsBack } from './refund-amount.ts'
import { returnableUnits } from './returnable.ts'

type Order = Pick<OrderRow, 'lines' | 'payment' | 'shipments' | 'returns' | 'lost_parcels'>

/** What is asked of a return of one unit more; of several it asks no less. */
export function canReturn(
  { lines: sold, payment, shipments, returns, lost_parcels: lost }: Order,
  now: Date,
): boolean {
  const agreed = returns.filter(({ status }) => AGREED.includes(status))
  const before = [...agreed.map(({ goods, lines }) => ({ goods: goods ?? 0, lines })), ...lost]
  const requested = returns.filter(({ status }) => status === 'requested').flatMap(({ lines }) => lines)
  const left = payment === null ? undefined : leftOf(payment, returns)
  return [...returnableUnits(shipments, returns, now)].some(
    ([sku, { inTime }]) =>
      inTime > 0 && suffices(left, goodsBack({ sold, before, lines: [...requested, { sku, quantity: 1 }] })),
  )
}

const AGREED: readonly ReturnRow['status'][] = ['approved', 'received', 'refunded']

/**
 * What was captured and is neither refunded nor promised to these returns. One that pays is not promised any more: its money
 * is among what is refunded, or will be in a moment.
 */
export function leftOf(
  { captured, refunded }: Pick<PaymentRow, 'captured' | 'refunded'>,
  returns: readonly Pick<ReturnRow, 'status' | 'goods' | 'shipping'>[],
): number {
  const promised = returns.filter(({ status, shipping }) => status === 'approved' && shipping === null)
  return captured - refunded - sum(promised.map(({ goods }) => goods ?? 0))
}

/** @param left undefined while nothing was heard of the order's money */
export const suffices = (left: number | undefined, goods: number): boolean =>
  left === undefined || goods <= left
