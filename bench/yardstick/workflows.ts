/** What Temporal itself can do on this machine, when nothing is done in the activities. */
import {
  ParentClosePolicy,
  proxyActivities,
  proxyLocalActivities,
  startChild,
  upsertSearchAttributes,
} from '@temporalio/workflow'
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common'

interface Activities {
  nothing: (argument?: unknown) => Promise<void>
}

const through = (taskQueue?: string) =>
  proxyActivities<Activities>({
    ...(taskQueue === undefined ? {} : { taskQueue }),
    startToCloseTimeout: '30s',
  }).nothing

/** A workflow that does nothing but wait for three activities in turn. */
export async function bare(): Promise<void> {
  const nothing = through()
  await nothing()
  await nothing()
  await nothing()
}

const orderStatus = defineSearchAttributeKey('OrderStatus', SearchAttributeType.KEYWORD)
const orderStep = defineSearchAttributeKey('OrderStep', SearchAttributeType.KEYWORD)

export interface SkeletonQueues {
  inventory: string
  users: string
  payments: string
  /** Nobody works on it: the parcel waits, as those of the benchmark's orders do until all are confirmed. */
  shipping: string
}

/**
 * What an order asks of Temporal from its start until its parcel is asked for, in the same sequence: status writes inside the
 * workflow tasks, activities on the services' queues, search attributes, and a workflow for the parcel.
 */
export async function skeleton(queues: SkeletonQueues): Promise<void> {
  const { nothing: write } = proxyLocalActivities<Activities>({ startToCloseTimeout: '30s' })
  await write()
  await Promise.all([through(queues.inventory)(), through(queues.users)()])
  enter('authorizing', 'authorizePayment')
  await write()
  await through(queues.payments)()
  await through(queues.inventory)()
  await write()
  const parcel = startChild(waitForVan, {
    taskQueue: queues.shipping,
    parentClosePolicy: ParentClosePolicy.ABANDON,
  })
  enter('fulfilling', 'shipParcels')
  await write()
  await parcel
}

export async function waitForVan(): Promise<void> {}

const enter = (status: string, step: string): void =>
  upsertSearchAttributes([
    { key: orderStatus, value: status },
    { key: orderStep, value: step },
  ])
