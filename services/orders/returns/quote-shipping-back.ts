/** Whether the shipping cost goes back because the parcels that the customer might have kept were given up. */
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { lockOrder } from '../lock-order.ts'
import type { OrdersTransaction } from '../store.ts'
import { readGiveBack, readParcels } from './read-give-back.ts'
import { giveBack } from './refund-amount.ts'

export interface QuoteShippingBackInput {
  orderId: string
  /** The parcels that never left: what the order's workflow knows, which may not have been heard of here. */
  givenUp: readonly string[]
  /** Those that left and were delivered or lost. Absent in calls of earlier releases. */
  left?: readonly string[]
}

export type QuoteShippingBack = (input: QuoteShippingBackInput) => Promise<{ amount: number }>

/**
 * To be asked once every parcel has come to its end; a repeat gives the same answer. A return that pays before the answer
 * is counted, one that pays after it decides for itself, and knows what was given up. Fails, to be tried again, as long as
 * the end of a parcel that left has not been heard of here: the customer may keep what it brought.
 */
export const createQuoteShippingBack =
  (transact: UnitOfWork<OrdersTransaction>): QuoteShippingBack =>
  ({ orderId, givenUp, left = [] }) =>
    transact(async (tx) => {
      const order = await lockOrder(tx, orderId)
      const known = await tx.$queryRaw<{ shipping: bigint }[]>`
        SELECT shipping FROM lost_parcels WHERE order_id = ${orderId}::uuid AND given_up`
      if (known.length > 0) return { amount: known.reduce((all, { shipping }) => all + Number(shipping), 0) }
      const ended = (await readParcels(tx, orderId)).filter(
        ({ status }) => status === 'delivered' || status === 'lost',
      )
      const unheard = left.find((id) => !ended.some((parcel) => parcel.id === id))
      if (unheard !== undefined) throw new Error(`the end of parcel ${unheard} is not known here yet`)
      const { shipping } = giveBack(await readGiveBack(tx, order, { givenUp }))
      await tx.$executeRaw`
        INSERT INTO lost_parcels (shipment_id, order_id, goods, shipping, given_up)
        SELECT id, ${orderId}::uuid, 0, CASE position WHEN 1 THEN ${shipping}::bigint ELSE 0 END, true
        FROM unnest(${[...givenUp]}::uuid[]) WITH ORDINALITY AS parcel (id, position)`
      return { amount: shipping }
    })
