/** The events of a return: every change of its row is one version and one event. */
import type { EventPayload, EventType } from '#contracts/events.ts'
import { formatMoney } from '#contracts/money.ts'
import type { SkuQuantity } from '#contracts/schemas.ts'
import type { ReturnStatus } from '#contracts/states.ts'
import { appendEvent } from '#platform/events/outbox.ts'
import type { OrderFacts } from '../order-event.ts'
import type { OrdersTransaction } from '../store.ts'
import { addToTimeline } from '../timeline.ts'
import { countUnits } from '../units.ts'

type ReturnEvent = Extract<EventType, `return.${string}`>

export interface ReturnNews {
  id: string
  status: ReturnStatus
  version: number
  lines: readonly SkuQuantity[]
  /** What goes back, minor units; zero until that is known. */
  amount: number
  /** For the timeline. */
  detail: string | null
  /** When the goods should be here. */
  until?: string | undefined
}

export async function announceReturn(
  tx: OrdersTransaction,
  order: OrderFacts,
  { id, status, version, lines, amount, detail, until }: ReturnNews,
): Promise<void> {
  const type = `return.${status}` as const
  const payload: EventPayload<ReturnEvent> = {
    returnId: id,
    orderId: order.id,
    customerId: order.customer_id,
    number: order.number,
    status,
    lines: [...countUnits(lines)].map(([sku, quantity]) => ({ sku, quantity })),
    currency: order.currency,
    amount,
    ...(until === undefined ? {} : { until }),
  }
  await appendEvent(tx, { type, aggregateId: id, version, payload })
  await addToTimeline(tx, order.id, [
    {
      kind: 'event',
      name: type,
      status,
      detail: detail ?? (amount === 0 ? null : formatMoney(amount, order.currency)),
      source: `return:${id}:${version}`,
    },
  ])
}
