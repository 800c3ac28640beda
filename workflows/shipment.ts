/**
 * One parcel from booking to its end. It alone says where the parcel is: couriers' scans and the carrier's reports are
 * Updates that it accepts or refuses, and it settles whether a cancellation comes in time.
 */
import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  setCurrentDetails,
  setHandler,
  type SignalDefinition,
} from '@temporalio/workflow'
import type { BookResult } from '#activities/shipping.ts'
import { mayMove, isTerminal, SHIPMENT, type ShipmentStatus } from '#contracts/states.ts'
import {
  orderWorkflowId,
  type ParcelReport,
  type ShipmentInput,
  type ShipmentResult,
} from '#contracts/workflows.ts'
import { asDuty, orders, shipping, shippingHere } from './doors.ts'
import {
  cancelShipment,
  parcelDispatched,
  parcelEnded,
  parcelKept,
  report,
  shipmentStatus,
  tellOfEnd,
} from './messages.ts'
import { watchDelivery } from './overdue.ts'
import { isRefusal } from './refusal.ts'

export async function shipment(input: ShipmentInput): Promise<ShipmentResult> {
  const { shipmentId, orderId, customerId, number, warehouse, lines, policy, replaces } = input
  const parcel: { status: ShipmentStatus; reported: ShipmentStatus } = {
    status: 'pending',
    /** Where accepted reports will have brought the parcel: what the next one is judged by. */
    reported: 'booked',
  }
  const reports: ParcelReport[] = []
  let unwanted = false
  /** The order's run is another than the one that gets this workflow's result. */
  let isToTellOfEnd = false

  setHandler(shipmentStatus, () => parcel.status)
  setHandler(cancelShipment, () => void (unwanted = true))
  setHandler(tellOfEnd, () => void (isToTellOfEnd = true))
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
  const booked = await book()
  if (booked.outcome === 'cancelled') return endCancelled()
  const { status: found = 'booked' } = booked
  if (parcel.reported === 'booked' || mayMove(SHIPMENT, parcel.reported, found)) parcel.reported = found
  move(found)
  // this workflow was ended and started again, and the parcel has left meanwhile
  if (found !== 'booked') await tellOrder(parcelDispatched, { shipmentId, at: new Date().toISOString() })

  const overdue = watchDelivery(input, () => parcel.status)
  while (!isTerminal(SHIPMENT, parcel.status) || reports.length > 0) {
    await condition(() => reports.length > 0 || unwanted)
    const [next] = reports
    if (next === undefined) {
      if (await cancel()) return endCancelled()
      continue
    }
    await shippingHere(`the parcel is ${next.status}`).recordParcel({ shipmentId, ...next })
    if (mayMove(SHIPMENT, parcel.status, next.status)) move(next.status)
    if (next.status === 'dispatched') await tellOrder(parcelDispatched, { shipmentId, at: next.at })
    reports.shift()
  }
  await overdue.settled()
  return end(parcel.status === 'delivered' ? 'delivered' : 'lost')

  /** A cancellation does not wait until the carrier can be reached; what it finds booked is booked. */
  async function book(): Promise<BookResult> {
    const attempt = new CancellationScope()
    let answer: BookResult | undefined
    let failed = false
    const booking = attempt.run(async () => {
      const address = await orders('load the address', asDuty(policy)).loadShippingAddress({ orderId })
      const { bookShipment } = shipping(`book a parcel from ${warehouse}`, asDuty(policy))
      const request = { shipmentId, orderId, customerId, warehouse, lines, address }
      answer = await bookShipment(replaces === undefined ? request : { ...request, replaces })
      return answer
    })
    booking.catch(() => (failed = true)) // thrown below, where nobody wants the parcel any less
    await condition(() => answer !== undefined || failed || unwanted)
    if (!unwanted) return booking
    attempt.cancel()
    await booking.catch(() => {}) // it may have been booked nevertheless: the cancellation finds out
    return (await cancel()) ? { outcome: 'cancelled' } : book()
  }

  /** Answers whether that was in time; where it was not, the order is told that the parcel stays. */
  async function cancel(): Promise<boolean> {
    unwanted = false
    if (mayMove(SHIPMENT, parcel.status, 'cancelled') && (await giveUp())) return true
    await tellOrder(parcelKept, { shipmentId })
    return false
  }

  async function giveUp(): Promise<boolean> {
    const door = shipping('the parcel is not wanted any more', asDuty(policy))
    try {
      await door.cancelShipment({ shipmentId, orderId, warehouse })
      return true
    } catch (error) {
      if (isRefusal(error)) return false
      throw error
    }
  }

  async function endCancelled(): Promise<ShipmentResult> {
    parcel.status = parcel.reported = 'cancelled'
    tell()
    reports.length = 0
    return end('cancelled')
  }

  async function end(status: ShipmentResult['status']): Promise<ShipmentResult> {
    await condition(allHandlersFinished)
    if (isToTellOfEnd) await tellOrder(parcelEnded, { shipmentId, status })
    return { shipmentId, warehouse, status }
  }

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
  async function tellOrder<Message>(signal: SignalDefinition<[Message]>, message: Message): Promise<void> {
    try {
      await getExternalWorkflowHandle(orderWorkflowId(orderId)).signal(signal, message)
    } catch (error) {
      if (isCancellation(error)) throw error
      log.warn('the order of a parcel cannot be told', { shipmentId, orderId, signal: signal.name, error })
    }
  }
}
