/**
 * Wakes orders that wait for the outside world: stock that has come, a payment that its customer has approved. What is to
 * be said is stored with the event and delivered by a relay, so that no order sleeps on because Temporal was away.
 */
import { CONSUMERS, isRecorded, subscription } from '#contracts/consumers.ts'
import type { AnyDomainEvent } from '#contracts/events.ts'
import type { OrderStatus } from '#contracts/states.ts'
import { firstTime } from '#platform/events/inbox.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import type { Stoppable } from '#platform/lifecycle.ts'
import type { Logger } from '#platform/logger.ts'
import { startLoop, type Loop } from '#platform/loop.ts'
import type { EventSubscription } from '#platform/service.ts'
import { isTemporalAway } from '#platform/temporal/errors.ts'
import { continueTrace, currentTrace, withTrace } from '#platform/trace.ts'
import type { OrderSignal, OrderWorkflows } from './order-workflow.ts'
import type { OrdersDatabase, OrdersTransaction } from './store.ts'

interface Dependencies {
  database: OrdersDatabase
  transact: UnitOfWork<OrdersTransaction>
  workflows: Pick<OrderWorkflows, 'signal'>
  logger: Logger
}

const WAKE_UPS = 'orders-wake-ups'
const POLL_MS = 1_000
const BATCH = 50
const LONGEST_PAUSE_SECONDS = 300

export function createWakeUps({ database, transact, workflows, logger }: Dependencies): {
  consumer: EventSubscription
  startRelay: () => Stoppable
} {
  let relay: Loop | undefined

  async function handle(event: AnyDomainEvent): Promise<void> {
    const news = newsIn(event)
    if (news === undefined) return
    await transact(async (tx) => {
      if (!(await firstTime(tx, { consumer: WAKE_UPS, eventId: event.eventId }))) return
      await tx.$executeRaw`
        INSERT INTO wake_ups (order_id, signal, trace)
        SELECT id, ${news.signal}, ${currentTrace()?.traceparent ?? null} FROM orders
        WHERE id = ${news.orderId}::uuid AND status = ANY(${news.statuses})`
    })
    relay?.nudge()
  }

  return {
    consumer: {
      ...subscription(WAKE_UPS),
      handle,
    },
    startRelay() {
      relay = startLoop({ name: 'wake orders', everyMs: POLL_MS, work: deliver, logger })
      return relay
    },
  }

  /** @returns whether there may be more */
  async function deliver(): Promise<boolean> {
    const due = await database.$queryRaw<Row[]>`
      SELECT id, order_id, signal, trace FROM wake_ups WHERE next_attempt_at <= now() ORDER BY id LIMIT ${BATCH}`
    for (const { id, order_id: orderId, signal, trace } of due) {
      try {
        await withTrace(continueTrace(trace ?? undefined), () => workflows.signal(orderId, signal))
        await database.$executeRaw`DELETE FROM wake_ups WHERE id = ${id}`
      } catch (error) {
        if (isTemporalAway(error)) throw error
        logger.error({ err: error, orderId, signal }, 'an order cannot be woken; it is tried again')
        await database.$executeRaw`
          UPDATE wake_ups SET attempts = attempts + 1,
            next_attempt_at = now() + make_interval(secs => least(${LONGEST_PAUSE_SECONDS}, 2 ^ least(attempts, 10)))
          WHERE id = ${id}`
      }
    }
    return due.length === BATCH
  }
}

interface Row {
  id: bigint
  order_id: string
  signal: OrderSignal
  trace: string | null
}

interface News {
  orderId: string
  signal: OrderSignal
  /** Where the order may be waiting for it. Its row says so before the order asks, so that no news comes too early. */
  statuses: OrderStatus[]
}

/** What an order may be waiting for. */
function newsIn(event: AnyDomainEvent): News | undefined {
  if (!isRecorded(CONSUMERS[WAKE_UPS], event)) return undefined
  const { eventType, payload } = event
  if (eventType === 'reservation.held') {
    return { orderId: payload.orderId, signal: 'stockHeld', statuses: ['reserving', 'awaiting_customer'] }
  }
  if ('paymentId' in payload) {
    const statuses: OrderStatus[] = ['authorizing', 'awaiting_customer']
    return { orderId: payload.orderId, signal: 'paymentSettled', statuses }
  }
  return undefined
}
