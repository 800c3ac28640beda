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
const AHEAD_MS = 10 * 60_000
const LATE_MS = 30 * 86_400_000

/** @throws ProblemError `validation_failed` for a time that no scan can have been made at */
function plausible(at: string | undefined): string {
  if (at === undefined) return new Date().toISOString()
  const age = Date.now() - Date.parse(at)
  if (age >= -AHEAD_MS && age <= LATE_MS) return new Date(at).toISOString()
  throw new ProblemError('validation_failed', 'The scan cannot have been made at that time.', {
    errors: [{ path: 'at', message: 'must lie within the last 30 days and not ahead' }],
  })
}

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
    const seen = plausible(at)
    await findShipments.read(shipmentId, null)
    const report = await reportParcel({ shipmentId, status, at: seen, source: 'courier' })
    const shipment = await findShipments.read(shipmentId, null)
    const known = shipment.history.some((move) => move.status === status)
    if (report.outcome === 'refused' && !known) {
      throw new ProblemError('shipment_transition_refused', report.detail)
    }
    return shipment
  }
