/** Where a parcel is, for an order that follows it without having heard all of its news. */
import type { ShipmentStatus } from '#contracts/states.ts'
import type { Sql } from '#platform/database.ts'

export type LocateParcel = (shipmentId: string) => Promise<ShipmentStatus>

export const createLocateParcel =
  (database: Sql): LocateParcel =>
  async (shipmentId) => {
    const [row] = await database.$queryRaw<{ status: ShipmentStatus }[]>`
      SELECT status FROM shipments WHERE id = ${shipmentId}::uuid`
    return row?.status ?? 'pending'
  }
