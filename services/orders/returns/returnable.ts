/** What of an order may be returned: pure arithmetic on its parcels and its returns. */
import type { SkuQuantity } from '#contracts/schemas.ts'
import { countUnits } from '../units.ts'
import type { ReturnRow, ShipmentRow } from '../rows.ts'

export interface Returnable {
  /** Units that were delivered and that no return has taken. */
  kept: number
  /** Those of them that may still be returned. */
  inTime: number
}

type Parcel = Pick<ShipmentRow, 'status' | 'lines' | 'returnable_until'>

/** By SKU. A return that was rejected or cancelled has taken nothing; whatever is returned was delivered first. */
export function returnableUnits(
  shipments: readonly Parcel[],
  returns: readonly (Pick<ReturnRow, 'status'> & { lines: readonly SkuQuantity[] })[],
  now: Date,
): Map<string, Returnable> {
  const delivered = shipments.filter(({ status }) => status === 'delivered')
  const late = ({ returnable_until: until }: Parcel) => until === null || new Date(until) <= now
  const inTime = countUnits(delivered.filter((parcel) => !late(parcel)).flatMap(({ lines }) => lines))
  const taken = countUnits(
    returns
      .filter(({ status }) => status !== 'rejected' && status !== 'cancelled')
      .flatMap(({ lines }) => lines),
  )
  const all = countUnits(delivered.flatMap(({ lines }) => lines))
  return new Map(
    [...all].map(([sku, units]) => {
      const kept = units - (taken.get(sku) ?? 0)
      return [sku, { kept, inTime: Math.min(kept, inTime.get(sku) ?? 0) }]
    }),
  )
}
