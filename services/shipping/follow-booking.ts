/** Brings a shipment to where its carrier says the parcel is. */
import { ScanStatus } from '#contracts/http/shipping.ts'
import type { Logger } from '#platform/logger.ts'
import type { BookingStatus, CarrierBooking } from './carriers/carrier.ts'
import type { ReportParcel } from './report-parcel.ts'

/** `seen`: where the parcel is known to have been. Answers what stopped it, if something did. */
export type FollowBooking = (
  shipmentId: string,
  booking: CarrierBooking,
  seen: readonly string[],
) => Promise<string | undefined>

export interface FollowBookingDependencies {
  reportParcel: ReportParcel
  logger: Logger
}

const isScanStatus = (status: BookingStatus): status is ScanStatus =>
  ScanStatus.enum.some((known) => known === status)

/** Reports every move that is not recorded yet, in the carrier's order, until the workflow refuses one. */
export const createFollowBooking =
  ({ reportParcel, logger }: FollowBookingDependencies): FollowBooking =>
  async (shipmentId, { history }, seen) => {
    for (const { status, at } of history) {
      if (!isScanStatus(status) || seen.includes(status)) continue
      const report = await reportParcel({ shipmentId, status, at, source: 'carrier' })
      if (report.outcome === 'recorded') continue
      logger.warn({ shipmentId, status, detail: report.detail }, 'a report of the carrier was refused')
      return report.detail
    }
    return undefined
  }
