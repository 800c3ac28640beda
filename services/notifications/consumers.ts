import { subjectsOf } from '#contracts/events.ts'
import type { EventSubscription } from '#platform/service.ts'
import type { Notify } from './notify.ts'

/** What happens to orders and parcels, as e-mail. */
export const emailConsumer = (notify: Notify): EventSubscription => ({
  durable: 'notifications-email',
  subjects: [subjectsOf('order', 'orders'), subjectsOf('shipment', 'shipping')],
  handle: notify,
})
