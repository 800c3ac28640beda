/**
 * The doors to the services: activities on each service's own task queue, with a summary that the Temporal UI shows. A
 * service that is down only makes its queue wait: nothing limits how long an activity may wait for a worker.
 */
import {
  ActivityCancellationType,
  proxyActivities,
  proxyLocalActivities,
  type ActivityOptions,
} from '@temporalio/workflow'
import type { InventoryActivities } from '#activities/inventory.ts'
import type { OrdersActivities } from '#activities/orders.ts'
import type { PaymentsActivities } from '#activities/payments.ts'
import type { ShippingActivities } from '#activities/shipping.ts'
import type { UsersActivities } from '#activities/users.ts'
import { TASK_QUEUES } from '#contracts/services.ts'
import type { SagaPolicy } from '#contracts/workflows.ts'

/** How long one attempt may take, by what the service does in it (payments and shipping wait for the outside world). */
const ATTEMPT_TIMEOUTS = {
  inventory: '10s',
  users: '10s',
  orders: '10s',
  payments: '30s',
  shipping: '30s',
} as const

/** A step that must succeed soon or be undone. */
export const asStep = (policy: SagaPolicy): ActivityOptions['retry'] => ({
  initialInterval: '250ms',
  backoffCoefficient: 2,
  maximumInterval: `${policy.maximumIntervalSeconds}s`,
  maximumAttempts: policy.stepAttempts,
})

/** Work that has to happen: undoing, capturing, booking. It is tried for long before a person is asked. */
export const asDuty = (policy: SagaPolicy): ActivityOptions['retry'] => ({
  initialInterval: '500ms',
  backoffCoefficient: 2,
  maximumInterval: `${policy.maximumIntervalSeconds}s`,
  maximumAttempts: policy.compensationAttempts,
})

/** Writes that only the database can keep from happening: repeated until they succeed. */
export const untilDone: ActivityOptions['retry'] = {
  initialInterval: '100ms',
  backoffCoefficient: 2,
  maximumInterval: '10s',
}

type Retry = ActivityOptions['retry']

const door =
  <Activities extends object>(service: keyof typeof TASK_QUEUES) =>
  (summary: string, retry: Retry) =>
    proxyActivities<Activities>({
      taskQueue: TASK_QUEUES[service],
      startToCloseTimeout: ATTEMPT_TIMEOUTS[service],
      // workers beat every three seconds (platform/temporal/activity.ts): one that died is noticed before the attempt's time is up
      heartbeatTimeout: '12s',
      // a step that is running is undone only after it has ended; one that waits for its next attempt is given up at once
      cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
      summary,
      ...(retry === undefined ? {} : { retry }),
    })

export const inventory = door<InventoryActivities>('inventory')
export const users = door<UsersActivities>('users')
export const payments = door<PaymentsActivities>('payments')
export const shipping = door<ShippingActivities>('shipping')
export const orders = door<OrdersActivities>('orders')

/**
 * Short idempotent writes of the service that hosts the workflow run inside the workflow task: one marker in history
 * instead of three events, and no trip through the queue. They are repeated until they succeed.
 */
const localDoor =
  <Activities extends object>() =>
  (summary: string) =>
    proxyLocalActivities<Activities>({
      startToCloseTimeout: '10s',
      retry: { initialInterval: '100ms', backoffCoefficient: 2, maximumInterval: '10s' },
      summary,
    })

/** For the order workflow, which the orders service hosts. */
export const ordersHere = localDoor<OrdersActivities>()
/** For the shipment workflow, which the shipping service hosts. */
export const shippingHere = localDoor<ShippingActivities>()
