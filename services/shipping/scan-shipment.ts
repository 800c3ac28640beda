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

/**
 * A repeated scan is answered like the first one.
 *
 * @throws ProblemError `not_found`, `shipment_transition_refused`, `workflow_engine_unavailable`
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
    const seen = new Date(at ?? Date.now()).toISOString()
    await findShipments.read(shipmentId, null)
    const report = await reportParcel({ shipmentId, status, at: seen, source: 'courier' })
    const shipment = await findShipments.read(shipmentId, null)
    const known = shipment.history.some((move) => move.status === status)
    if (report.outcome === 'refused' && !known) {
      throw new ProblemError('shipment_transition_refused', report.detail)
    }
    return shipment
  }
