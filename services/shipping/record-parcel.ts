/** Writes down where a parcel was seen. */
import { mayMove, SHIPMENT } from '#contracts/states.ts'
import type { ParcelReport } from '#contracts/workflows.ts'
import type { Sql } from '#platform/database.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { lockShipment, moveShipment } from './shipments.ts'

/** `refused`: the parcel cannot come from where it is to where it was seen. */
export type RecordOutcome = 'recorded' | 'refused'

export type RecordParcel = (report: { shipmentId: string } & ParcelReport) => Promise<RecordOutcome>

/** A report of where the parcel is or has been already changes nothing. */
export const createRecordParcel =
  ({ transact }: { transact: UnitOfWork<Sql> }): RecordParcel =>
  ({ shipmentId, status, at, source }) =>
    transact(async (tx) => {
      const shipment = await lockShipment(tx, shipmentId)
      if (shipment === undefined) return 'refused'
      if (mayMove(SHIPMENT, shipment.status, status)) {
        await moveShipment(tx, shipment, { to: status, at, source })
        return 'recorded'
      }
      const [seen] = await tx.$queryRaw<{ status: string }[]>`
        SELECT status FROM shipment_history WHERE shipment_id = ${shipmentId}::uuid AND status = ${status}`
      return seen === undefined ? 'refused' : 'recorded'
    })
