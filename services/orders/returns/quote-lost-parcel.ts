/** What a customer gets back for a parcel that was lost. */
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { lockOrder } from '../lock-order.ts'
import type { OrdersTransaction } from '../store.ts'
import { readGiveBack, readParcels } from './read-give-back.ts'
import { giveBack } from './refund-amount.ts'

export interface QuoteLostParcelInput {
  orderId: string
  shipmentId: string
  /** The lost parcel whose place this one took. */
  replaces?: string
}

export type QuoteLostParcel = (input: QuoteLostParcelInput) => Promise<{ amount: number }>

/** A repeat gives the same answer. Fails, to be tried again, as long as the loss has not been heard of here. */
export const createQuoteLostParcel =
  (transact: UnitOfWork<OrdersTransaction>): QuoteLostParcel =>
  ({ orderId, shipmentId, replaces }) =>
    transact(async (tx) => {
      const order = await lockOrder(tx, orderId)
      const [known] = await tx.$queryRaw<{ goods: bigint; shipping: bigint }[]>`
        SELECT goods, shipping FROM lost_parcels WHERE shipment_id = ${shipmentId}::uuid`
      if (known !== undefined) return { amount: Number(known.goods + known.shipping) }
      const lost = (await readParcels(tx, orderId)).find(({ id }) => id === shipmentId)
      // what replaces a lost parcel is paid for: the customer gets it back also when it was never sent
      const isLost = lost?.status === 'lost' || (lost?.status === 'cancelled' && replaces !== undefined)
      if (!isLost) throw new Error(`the loss of parcel ${shipmentId} is not known here yet`)
      const { goods, shipping } = giveBack(await readGiveBack(tx, order, { lost, replaces }))
      await tx.$executeRaw`
        INSERT INTO lost_parcels (shipment_id, order_id, goods, shipping)
        VALUES (${shipmentId}::uuid, ${orderId}::uuid, ${goods}, ${shipping})`
      return { amount: goods + shipping }
    })
