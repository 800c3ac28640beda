/** One sender for each endpoint that is enabled: they come and go with the list, whoever changed it. */
import type { Logger } from '#platform/logger.ts'
import type { Stoppable } from '#platform/lifecycle.ts'
import { startLoop } from '#platform/loop.ts'
import type { Endpoints } from './endpoints.ts'
import { untilAborted } from './until-aborted.ts'
import type { Delivery, DeliveryQueue, Verdict } from './queue.ts'

const LOOK_MS = 1_000

export interface SendersOptions {
  endpoints: Pick<Endpoints, 'recent'>
  queue: Pick<DeliveryQueue, 'consume'>
  deliverWebhook: (endpointId: string, delivery: Delivery) => Promise<Verdict>
  /** Called when an endpoint is gone. */
  forget: (endpointId: string) => void
  logger: Logger
}

export function startSenders({
  endpoints,
  queue,
  deliverWebhook,
  forget,
  logger,
}: SendersOptions): Stoppable {
  const senders = new Map<string, Stoppable>()
  const stopping = new AbortController()

  async function follow(): Promise<boolean> {
    // the broker may be away, for as long as it likes
    const all = await untilAborted(endpoints.recent(), stopping.signal)
    const known = new Set(all.map(({ id }) => id))
    for (const [id, sender] of senders) {
      if (known.has(id)) continue
      senders.delete(id)
      forget(id)
      await sender.stop()
    }
    for (const id of known) {
      if (!senders.has(id))
        senders.set(
          id,
          queue.consume(id, (delivery) => deliverWebhook(id, delivery)),
        )
    }
    return false
  }

  const loop = startLoop({ name: 'webhook endpoints', everyMs: LOOK_MS, work: follow, logger })
  return {
    async stop() {
      stopping.abort()
      await loop.stop()
      await Promise.all([...senders.values()].map((sender) => sender.stop()))
    },
  }
}
