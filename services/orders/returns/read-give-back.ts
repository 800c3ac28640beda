/** Reads what a refund follows from: what was sold, what is given back already, and what the customer keeps. */
import type { SkuQuantity } from '#contracts/schemas.ts'
import { isTerminal, ORDER, type ReturnStatus } from '#contracts/states.ts'
import type { LockedOrder } from '../lock-order.ts'
import { readTerms } from '../order-terms.ts'
import type { ShipmentRow } from '../rows.ts'
import type { OrdersTransaction } from '../store.ts'
import { countUnits } from '../units.ts'
import type { GiveBack, GivenBack } from './refund-amount.ts'

export type Parcel = Pick<ShipmentRow, 'id' | 'status' | 'lines'>

interface Row extends GivenBack {
  /** Null for a lost parcel. */
  status: ReturnStatus | null
  shipment_id: string | null
  lines: SkuQuantity[]
}

/** What is returned, or the parcel that is lost, and the one whose place it took. */
export type Back = { lines: readonly SkuQuantity[] } | { lost: Parcel; replaces?: string | undefined }

/** Call it under the order's lock. */
export async function readGiveBack(tx: OrdersTransaction, order: LockedOrder, back: Back): Promise<GiveBack> {
  const orderId = order.id
  const sold = await readTerms(tx, orderId)
  const parcels = await readParcels(tx, orderId)
  const rows = await tx.$queryRaw<Row[]>`
    SELECT status, NULL AS shipment_id, goods::float8 AS goods, shipping::float8 AS shipping,
      (SELECT json_agg(json_build_object('sku', sku, 'quantity', quantity)) FROM return_lines
        WHERE return_id = returns.id) AS lines
    FROM returns WHERE order_id = ${orderId}::uuid AND status IN ('approved', 'received', 'refunded')
    UNION ALL
    SELECT NULL, lost.shipment_id, goods::float8, shipping::float8, shipment.lines::json
    FROM lost_parcels AS lost JOIN order_shipments AS shipment ON shipment.id = lost.shipment_id
    WHERE lost.order_id = ${orderId}::uuid`
  const lines = 'lost' in back ? back.lost.lines : back.lines
  const paidBack = new Set(rows.map(({ shipment_id: id }) => id))
  if ('lost' in back) paidBack.add(back.lost.id).add(back.replaces ?? null)
  const returned = rows.filter(({ status }) => status !== null).flatMap((row) => row.lines)
  const nothingKept = keepsNothing({
    parcels,
    paidBack,
    returned: 'lost' in back ? returned : [...returned, ...back.lines],
    sold: sold.lines,
    ended: isTerminal(ORDER, order.status),
  })
  return { sold, before: rows, lines, nothingKept }
}

export const readParcels = (tx: OrdersTransaction, orderId: string): PromiseLike<Parcel[]> =>
  tx.$queryRaw<Parcel[]>`
    SELECT id, status, lines FROM order_shipments WHERE order_id = ${orderId}::uuid`

interface Kept {
  parcels: readonly Parcel[]
  /** Lost parcels that are paid back. */
  paidBack: ReadonlySet<string | null>
  returned: readonly SkuQuantity[]
  sold: readonly SkuQuantity[]
  /** Whether no further parcel can come. */
  ended: boolean
}

/** Whether everything that was sold is returned, lost or was never sent, and nothing is still to come. */
export function keepsNothing({ parcels, paidBack, returned, sold, ended }: Kept): boolean {
  const delivered = parcels.filter(({ status }) => status === 'delivered')
  const over = ({ id, status }: Parcel) =>
    status === 'cancelled' || status === 'delivered' || (status === 'lost' && (ended || paidBack.has(id)))
  if (!parcels.every(over)) return false
  const announced = countUnits(parcels.flatMap(({ lines }) => lines))
  if (!ended && [...countUnits(sold)].some(([sku, units]) => (announced.get(sku) ?? 0) < units)) return false
  const back = countUnits(returned)
  return [...countUnits(delivered.flatMap(({ lines }) => lines))].every(
    ([sku, units]) => (back.get(sku) ?? 0) >= units,
  )
}
