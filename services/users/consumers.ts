/** What happens to orders changes what their customers have spent; a net under the saga's own calls. */
import { subscription } from '#contracts/consumers.ts'
import type { AnyDomainEvent } from '#contracts/events.ts'
import { firstTime } from '#platform/events/inbox.ts'
import type { EventSubscription } from '#platform/service.ts'
import { releaseScreening, settleScreening } from './screen-customer.ts'
import type { Transact, Tx } from './store.ts'

const SPENDING = 'users-spending'

export const spendingConsumer = (transact: Transact): EventSubscription => ({
  ...subscription(SPENDING),
  async handle(event) {
    const change = changeOf(event)
    if (change === undefined) return
    await transact(async (tx) => {
      if (!(await firstTime(tx, { consumer: SPENDING, eventId: event.eventId }))) return
      await change(tx, event.aggregateId)
    })
  },
})

function changeOf({
  eventType,
}: AnyDomainEvent): ((tx: Tx, orderId: string) => PromiseLike<unknown>) | undefined {
  switch (eventType) {
    case 'order.rejected':
    case 'order.cancelled':
      return releaseScreening
    case 'order.completed':
      return settleScreening
    default:
      return undefined
  }
}
