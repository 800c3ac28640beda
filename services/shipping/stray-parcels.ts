/**
 * Parcels that the carrier has taken although their shipments are cancelled. A cancelled shipment stays cancelled, since
 * its money and stock have gone back: a person decides what becomes of the parcel.
 */
import type { Sql } from '#platform/database.ts'
import type { Logger } from '#platform/logger.ts'
import type { Finding } from '#contracts/workflows.ts'

const MOST = 500
/** So long a parcel is listed: a run of the reconciliation that fails has its finding again in the next one. */
const LISTED_FOR_SECONDS = 3_600

/** Says so on the cancelled shipment; a repeat changes nothing. */
export async function noteStray(database: Sql, shipmentId: string, logger: Logger): Promise<void> {
  const noted = await database.$executeRaw`
    UPDATE shipments SET astray_since = now()
    WHERE id = ${shipmentId}::uuid AND status = 'cancelled' AND astray_since IS NULL`
  if (noted === 1) logger.error({ shipmentId }, 'a parcel of a cancelled shipment has left')
}

export type FindStrayParcels = () => Promise<Finding[]>

/** Findings of kind `parcel_astray`: each for an hour from when it was listed first. */
export const createFindStrayParcels =
  (database: Sql): FindStrayParcels =>
  async () => {
    const strays = await database.$queryRaw<{ id: string; orderId: string; carrier: string | null }[]>`
      UPDATE shipments SET astray_listed_at = coalesce(astray_listed_at, now()) WHERE id IN (
        SELECT id FROM shipments
        WHERE astray_since IS NOT NULL AND (astray_listed_at IS NULL
          OR astray_listed_at > now() - make_interval(secs => ${LISTED_FOR_SECONDS}::int))
        ORDER BY astray_since LIMIT ${MOST})
      RETURNING id, order_id AS "orderId", carrier`
    return strays.map(({ id, orderId, carrier }) => ({
      kind: 'parcel_astray',
      subjectId: id,
      orderId,
      detail: `shipment ${id} is cancelled, but the carrier ${carrier ?? ''} has taken its parcel`,
      repaired: false,
    }))
  }
