/** Sells less than was ordered, because there is no more: the lines that are left, at the prices of the order. */
import { ApplicationFailure } from '@temporalio/common'
import type { SkuQuantity } from '#contracts/schemas.ts'
import { isTerminal, ORDER } from '#contracts/states.ts'
import { FAILURE, type OrderTerms } from '#contracts/workflows.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { totalOrder, type Pricing, type SellableLine } from './pricing/total-order.ts'
import { lockOrder } from './lock-order.ts'
import { readTerms, toTerms } from './order-terms.ts'
import { readLines, reviseRows } from './revise-rows.ts'
import type { OrdersTransaction } from './store.ts'
import { countUnits, handOut } from './units.ts'

export interface ReviseOrderInput {
  orderId: string
  /** Counts the order's revisions from 1. */
  revision: number
  lines: SkuQuantity[]
}

export type ReviseOrder = (input: ReviseOrderInput) => Promise<OrderTerms>

interface Dependencies {
  transact: UnitOfWork<OrdersTransaction>
  pricing: Pricing
}

/**
 * A repeat gives the terms that stand; an order that has ended stays as it is. The shipping cost may fall with the weight
 * and never rises.
 */
export const createReviseOrder =
  ({ transact, pricing }: Dependencies): ReviseOrder =>
  ({ orderId, revision, lines }) =>
    transact(async (tx) => {
      const order = await lockOrder(tx, orderId)
      const terms = await readTerms(tx, orderId)
      if (order.revision >= revision) return toTerms(terms)
      if (isTerminal(ORDER, order.status)) throw refused(`order ${orderId} is ${order.status}`)
      const left = leftOf(await readLines(tx, orderId), lines)
      const { country, shipping: shippingAtMost } = terms
      const priced = totalOrder(left, { currency: order.currency, country, shippingAtMost }, pricing)
      await reviseRows(tx, order, priced, { reason: 'shortage' })
      await tx.$executeRaw`UPDATE orders SET revision = ${revision} WHERE id = ${orderId}::uuid`
      return toTerms(priced)
    })

/** Gives what is sold to the lines that ordered it, in order. */
function leftOf(ordered: readonly SellableLine[], sold: ReviseOrderInput['lines']): SellableLine[] {
  const units = countUnits(sold)
  const quantities = handOut(ordered, units)
  const left = ordered
    .map((line, index) => ({ ...line, quantity: quantities[index] ?? 0 }))
    .filter(({ quantity }) => quantity > 0)
  const given = countUnits(left)
  const tooMuch = [...units].some(([sku, quantity]) => quantity > (given.get(sku) ?? 0))
  if (left.length === 0 || tooMuch) {
    throw refused('A revision sells less than was ordered.')
  }
  return left
}

const refused = (message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, FAILURE.refused)
