/** A parcel that is on its way for too long is put before the operators; nobody has to answer once it turns up. */
import { CancellationScope, condition, isCancellation } from '@temporalio/workflow'
import type { ShipmentStatus } from '#contracts/states.ts'
import type { ShipmentInput } from '#contracts/workflows.ts'
import { orders, untilDone } from './doors.ts'
import { createOpenQuestions } from './needs-attention.ts'
import { inSeconds, timerOf } from './waits.ts'

export interface DeliveryWatch {
  /** To be awaited when the parcel has reached its end. */
  settled(): Promise<void>
}

export function watchDelivery(
  { shipmentId, orderId, policy }: ShipmentInput,
  status: () => ShipmentStatus,
): DeliveryWatch {
  const { waits } = policy
  if (waits === undefined) return { settled: async () => {} }
  const source = `shipment:${shipmentId}:overdue`
  const scope = new CancellationScope()
  const questions = createOpenQuestions()
  let raised = false
  const watching = scope.run(async () => {
    await condition(() => status() !== 'booked')
    const timer = timerOf('delivery', inSeconds(waits.deliverySeconds))
    if (await condition(() => status() !== 'dispatched', waits.deliverySeconds * 1000, timer)) return
    raised = true
    questions.raised(source)
    await orders('the parcel is overdue', untilDone).raiseConcern({
      orderId,
      source,
      step: 'shipParcels',
      operation: 'delivery_overdue',
      error: `parcel ${shipmentId} was dispatched and has not arrived in time`,
    })
  })
  const ended = watching.catch((error: unknown) => {
    if (!isCancellation(error)) throw error
  })
  return {
    async settled() {
      scope.cancel()
      await ended
      if (!raised) return
      questions.settled(source)
      const note = `The parcel is ${status()}.`
      await orders('the parcel is overdue no more', untilDone).settleConcern({ orderId, source, note })
    },
  }
}
