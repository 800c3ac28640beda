/**
 * One parcel from booking to its end. It alone says where the parcel is: couriers' scans and the carrier's reports are
 * Updates that it accepts or refuses.
 */
import {
  allHandlersFinished,
  ApplicationFailure,
  condition,
  getExternalWorkflowHandle,
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
      return parcel.status
    },
    {
      validator: (seen: ParcelReport) => {
        if (mayMove(SHIPMENT, parcel.reported, seen.status)) return
        throw ApplicationFailure.nonRetryable(
          `The parcel is ${parcel.reported}; it cannot become ${seen.status}.`,
          'shipment_transition_refused',
        )
      },
    },
  )

  tell()
  const address = await orders('load the address', asDuty(policy)).loadShippingAddress({ orderId })
  const { bookShipment } = shipping(`book a parcel from ${warehouse}`, asDuty(policy))
  const booking = await bookShipment({ shipmentId, orderId, customerId, warehouse, lines, address })
  if (booking.outcome === 'cancelled') return { shipmentId, warehouse, status: 'cancelled' }
  move('booked')

  while (!isTerminal(SHIPMENT, parcel.status)) {
    await condition(() => reports.length > 0)
    const [next] = reports
    if (next === undefined) continue
    await shippingHere(`the parcel is ${next.status}`).recordParcel({ shipmentId, ...next })
    move(next.status)
    if (next.status === 'dispatched') await tellOrder(next)
    reports.shift()
  }
  await condition(allHandlersFinished)
  return { shipmentId, warehouse, status: parcel.status === 'delivered' ? 'delivered' : 'lost' }

  function move(to: ShipmentStatus): void {
    parcel.status = to
    tell()
  }

  function tell(): void {
    setCurrentDetails(`Parcel of **${number}** from ${warehouse}: **${parcel.status}**`)
  }

  async function tellOrder({ at }: ParcelReport): Promise<void> {
    await getExternalWorkflowHandle(orderWorkflowId(orderId)).signal(parcelDispatched, { shipmentId, at })
  }
}
