/**
 * One parcel from booking to its end. It alone says where the parcel is: couriers' scans and the carrier's reports are
 * Updates that it accepts or refuses.
 */
import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow'
import { mayMove, isTerminal, SHIPMENT, type ShipmentStatus } from '#contracts/states.ts'
import {
  orderWorkflowId,
  type ParcelReport,
  type ShipmentInput,
  type ShipmentResult,
} from '#contracts/workflows.ts'
import { asDuty, orders, shipping, shippingHere } from './doors.ts'
import { parcelDispatched, report, shipmentStatus } from './messages.ts'

export async function shipment(input: ShipmentInput): Promise<ShipmentResult> {
  const { shipmentId, orderId, customerId, number, warehouse, lines, policy } = input
  const parcel: { status: ShipmentStatus; reported: ShipmentStatus } = {
    status: 'pending',
    /** Where accepted reports will have brought the parcel: what the next one is judged by. */
    reported: 'booked',
  }
  const reports: ParcelReport[] = []

  setHandler(shipmentStatus, () => parcel.status)
  setHandler(
    report,
    async (seen) => {
      parcel.reported = seen.status
      reports.push(seen)
      await condition(() => !reports.includes(seen))
      if (parcel.status === 'cancelled') throw refusal(seen.status)
      return parcel.status
    },
    {
      validator: (seen: ParcelReport) => {
        if (mayMove(SHIPMENT, parcel.reported, seen.status)) return
        throw refusal(seen.status)
      },
    },
  )

  tell()
  const address = await orders('load the address', asDuty(policy)).loadShippingAddress({ orderId })
  const { bookShipment } = shipping(`book a parcel from ${warehouse}`, asDuty(policy))
  const booking = await bookShipment({ shipmentId, orderId, customerId, warehouse, lines, address })
  if (booking.outcome === 'cancelled') {
    parcel.status = parcel.reported = 'cancelled'
    reports.length = 0
    await condition(allHandlersFinished)
    return { shipmentId, warehouse, status: 'cancelled' }
  }
  const { status: found = 'booked' } = booking
  if (parcel.reported === 'booked' || mayMove(SHIPMENT, parcel.reported, found)) parcel.reported = found
  move(found)
  // this workflow was ended and started again, and the parcel has left meanwhile
  if (found !== 'booked') await tellOrder(new Date().toISOString())

  while (!isTerminal(SHIPMENT, parcel.status) || reports.length > 0) {
    await condition(() => reports.length > 0)
    const [next] = reports
    if (next === undefined) continue
    await shippingHere(`the parcel is ${next.status}`).recordParcel({ shipmentId, ...next })
    if (mayMove(SHIPMENT, parcel.status, next.status)) move(next.status)
    if (next.status === 'dispatched') await tellOrder(next.at)
    reports.shift()
  }
  await condition(allHandlersFinished)
  return { shipmentId, warehouse, status: parcel.status === 'delivered' ? 'delivered' : 'lost' }

  function refusal(to: ShipmentStatus): ApplicationFailure {
    return ApplicationFailure.nonRetryable(
      `The parcel is ${parcel.reported}; it cannot become ${to}.`,
      'shipment_transition_refused',
    )
  }

  function move(to: ShipmentStatus): void {
    parcel.status = to
    tell()
  }

  function tell(): void {
    setCurrentDetails(`Parcel of **${number}** from ${warehouse}: **${parcel.status}**`)
  }

  /** The parcel goes on also when nobody waits for it any more: it is on a van. */
  async function tellOrder(at: string): Promise<void> {
    try {
      await getExternalWorkflowHandle(orderWorkflowId(orderId)).signal(parcelDispatched, { shipmentId, at })
    } catch (error) {
      if (isCancellation(error)) throw error
      log.warn('the order of a parcel that has left cannot be told', { shipmentId, orderId, error })
    }
  }
}
