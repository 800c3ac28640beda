/** A courier's scan moves the parcel, if its workflow agrees. */
import type { ScanStatus, Shipment } from '#contracts/http/shipping.ts'
import { ProblemError } from '#platform/problem.ts'
import type { FindShipments } from './find-shipments.ts'
import type { ReportParcel } from './report-parcel.ts'

export interface Scan {
  shipmentId: string
  status: ScanStatus
  /** When it was scanned; now, where the scanner does not say. */
  at?: string
}

export type ScanShipment = (scan: Scan) => Promise<Shipment>

/** A scanner's clock may be off by minutes, and a scan may be handed in late. */
const OFF_MS = 10 * 60_000
const LATE_MS = 30 * 86_400_000

/** @throws ProblemError `validation_failed` for a time that no scan can have been made at */
function assertPlausible(at: string): void {
  const age = Date.now() - Date.parse(at)
  if (age < -OFF_MS || age > LATE_MS) throw impossible('must lie within the last 30 days and not ahead')
}

/**
 * The time of a parcel's next move, which comes after its last one: how long goods may be returned is counted from it.
 *
 * @throws ProblemError `validation_failed` for a time before the parcel's last move
 */
function timeOfMove(at: string | undefined, { history }: Shipment): string {
  const last = history.at(-1)
  const earliest = last === undefined ? 0 : Date.parse(last.at)
  // whoever made that move may have a clock ahead of ours
  if (at === undefined) return new Date(Math.max(Date.now(), earliest)).toISOString()
  const seen = Date.parse(at)
  // nor is a scanner's clock ours
  if (seen >= earliest - OFF_MS) return new Date(Math.max(seen, earliest)).toISOString()
  throw impossible(`must not lie before the parcel's last move, ${new Date(earliest).toISOString()}`)
}

const impossible = (message: string): ProblemError =>
  new ProblemError('validation_failed', 'The scan cannot have been made at that time.', {
    errors: [{ path: 'at', message }],
  })

const hasBeen = ({ history }: Shipment, status: ScanStatus): boolean =>
  history.some((move) => move.status === status)

/**
 * A repeated scan is answered like the first one.
 *
 * @throws ProblemError `validation_failed`, `not_found`, `shipment_transition_refused`, `workflow_engine_unavailable`
 */
export const createScanShipment =
  ({
    findShipments,
    reportParcel,
  }: {
    findShipments: FindShipments
    reportParcel: ReportParcel
  }): ScanShipment =>
  async ({ shipmentId, status, at }) => {
    if (at !== undefined) assertPlausible(at)
    const before = await findShipments.read(shipmentId, null)
    // a repeat is no move: the parcel may have gone on since
    const seen = hasBeen(before, status) ? new Date(at ?? Date.now()).toISOString() : timeOfMove(at, before)
    const report = await reportParcel({ shipmentId, status, at: seen, source: 'courier' })
    const shipment = await findShipments.read(shipmentId, null)
    if (report.outcome === 'refused' && !hasBeen(shipment, status)) {
      throw new ProblemError('shipment_transition_refused', report.detail)
    }
    return shipment
  }
