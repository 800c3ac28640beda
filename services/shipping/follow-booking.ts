/** Brings a shipment to where its carrier says the parcel is. */
import { ScanStatus } from '#contracts/http/shipping.ts'
import type { Logger } from '#platform/logger.ts'
import type { BookingStatus, CarrierBooking } from './carriers/carrier.ts'
import type { ReportOutcome, ReportParcel } from './report-parcel.ts'

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

interface Move {
  status: ScanStatus
  at: string
}

const isScanStatus = (status: BookingStatus): status is ScanStatus =>
  ScanStatus.enum.some((known) => known === status)

/**
 * Reports every move that is not recorded yet, in the carrier's order, until the workflow refuses one. Then it is told of the
 * recorded ones too: what was written in a workflow task that was lost with its Update, the workflow itself does not know.
 */
export const createFollowBooking =
  ({ reportParcel, logger }: FollowBookingDependencies): FollowBooking =>
  async (shipmentId, { history }, seen) => {
    const moves = history.flatMap(({ status, at }) => (isScanStatus(status) ? [{ status, at }] : []))
    const isSeen = ({ status }: Move): boolean => seen.includes(status)
    const unseen = moves.filter((move) => !isSeen(move))
    let refused = await reportAll(unseen)
    if (refused !== undefined && moves.some(isSeen)) {
      for (const move of moves.filter(isSeen)) await report(move) // one that it knows it refuses
      refused = await reportAll(unseen)
    }
    if (refused === undefined) return undefined
    logger.warn({ shipmentId, ...refused }, 'a report of the carrier was refused')
    return refused.detail

    async function reportAll(some: readonly Move[]): Promise<{ status: string; detail: string } | undefined> {
      for (const move of some) {
        const answer = await report(move)
        if (answer.outcome === 'refused') return { status: move.status, detail: answer.detail }
      }
      return undefined
    }

    function report(move: Move): Promise<ReportOutcome> {
      return reportParcel({ shipmentId, ...move, source: 'carrier' })
    }
  }
