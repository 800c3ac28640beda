/** Brings a shipment to where its carrier says the parcel is. */
import { ScanStatus } from '#contracts/http/shipping.ts'
import type { Sql } from '#platform/database.ts'
import type { Logger } from '#platform/logger.ts'
import type { BookingStatus, CarrierBooking } from './carriers/carrier.ts'
import type { ReportParcel } from './report-parcel.ts'

/** Answers what stopped it, if something did. */
export type FollowBooking = (shipmentId: string, booking: CarrierBooking) => Promise<string | undefined>

export interface FollowBookingDependencies {
  database: Sql
  reportParcel: ReportParcel
  logger: Logger
}

const isScanStatus = (status: BookingStatus): status is ScanStatus =>
  ScanStatus.enum.some((known) => known === status)

/** Reports every move that is not recorded yet, in the carrier's order, until the workflow refuses one. */
export const createFollowBooking =
  ({ database, reportParcel, logger }: FollowBookingDependencies): FollowBooking =>
  async (shipmentId, { history }) => {
    const recorded = await database.$queryRaw<{ status: string }[]>`
      SELECT status FROM shipment_history WHERE shipment_id = ${shipmentId}::uuid`
    for (const { status, at } of history) {
      if (!isScanStatus(status) || recorded.some((move) => move.status === status)) continue
      const report = await reportParcel({ shipmentId, status, at, source: 'carrier' })
      if (report.outcome === 'recorded') continue
      logger.warn({ shipmentId, status, detail: report.detail }, 'a report of the carrier was refused')
      return report.detail
    }
    return undefined
  }
