/** Reads what a refund follows from: what was sold, what is given back already, and what the customer keeps. */
import type { SkuQuantity } from '#contracts/schemas.ts'
import { isTerminal, ORDER } from '#contracts/states.ts'
import type { LockedOrder } from '../lock-order.ts'
import { readTerms } from '../order-terms.ts'
import type { ShipmentRow } from '../rows.ts'
import type { OrdersTransaction } from '../store.ts'
import { countUnits } from '../units.ts'
import type { GiveBack, GivenBack } from './refund-amount.ts'

export type Parcel = Pick<ShipmentRow, 'id' | 'status' | 'lines'>

interface Row extends GivenBack {
  /** Null for a return. */
  shipment_id: string | null
  /** A parcel that never left. */
  given_up: boolean
  /** Whether its money goes back for certain. */
  pays: boolean
  lines: SkuQuantity[]
}

/** What is returned, or the parcel that is lost, and the one whose place it took, or those that never left. */
export type Back =
  | { returnId: string; lines: readonly SkuQuantity[] }
  | { lost: Parcel; replaces?: string | undefined }
  | { givenUp: readonly string[] }

/** Call it under the order's lock. */
export async function readGiveBack(tx: OrdersTransaction, order: LockedOrder, back: Back): Promise<GiveBack> {
  const orderId = order.id
  const sold = await readTerms(tx, orderId)
  const parcels = await readParcels(tx, orderId)
  const rows = await tx.$queryRaw<Row[]>`
    SELECT NULL AS shipment_id, false AS given_up, shipping IS NOT NULL AS pays, goods::float8 AS goods,
      coalesce(shipping, 0)::float8 AS shipping,
      (SELECT json_agg(json_build_object('sku', sku, 'quantity', quantity)) FROM return_lines
        WHERE return_id = returns.id) AS lines
    FROM returns WHERE order_id = ${orderId}::uuid AND status IN ('approved', 'received', 'refunded')
      AND id IS DISTINCT FROM ${'returnId' in back ? back.returnId : null}::uuid
    UNION ALL
    SELECT lost.shipment_id, given_up, true, goods::float8, shipping::float8,
      CASE WHEN given_up THEN '[]' ELSE shipment.lines::json END
    FROM lost_parcels AS lost LEFT JOIN order_shipments AS shipment ON shipment.id = lost.shipment_id
    WHERE lost.order_id = ${orderId}::uuid AND (given_up OR shipment.id IS NOT NULL)`
  const lines = linesOf(back)
  const givenUp = new Set(rows.filter((row) => row.given_up).map(({ shipment_id: id }) => id))
  if ('givenUp' in back) for (const id of back.givenUp) givenUp.add(id)
  const paidBack = new Set(rows.map(({ shipment_id: id }) => id))
  if ('lost' in back) paidBack.add(back.lost.id).add(back.replaces ?? null)
  const returned = rows.filter((row) => row.shipment_id === null && row.pays).flatMap((row) => row.lines)
  const nothingKept = keepsNothing({
    // what was given up may not have been heard of here
    parcels: parcels.map((parcel) => (givenUp.has(parcel.id) ? { ...parcel, status: 'cancelled' } : parcel)),
    paidBack,
    returned: 'returnId' in back ? [...returned, ...lines] : returned,
    sold: sold.lines,
    // that parcels were given up is known when all have come to their end
    ended: isTerminal(ORDER, order.status) || givenUp.size > 0,
  })
  return { sold, before: rows, lines, nothingKept }
}

function linesOf(back: Back): readonly SkuQuantity[] {
  if ('returnId' in back) return back.lines
  return 'lost' in back ? back.lost.lines : []
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
