/**
 * The yardsticks: workflows whose activities do nothing, on the same Temporal server, by workers with the platform's own options.
 */
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '#platform/logger.ts'
import type { Stoppable } from '#platform/lifecycle.ts'
import { buildWorkflowBundle, bundleFile } from '#platform/temporal/bundle.ts'
import { createTemporalLink } from '#platform/temporal/link.ts'
import { closedLoop } from './closed-loop.ts'
import type { bare, skeleton, SkeletonQueues } from './yardstick/workflows.ts'

const TASK_QUEUE = 'bench'
const QUEUES: SkeletonQueues = {
  inventory: 'bench-inventory',
  users: 'bench-users',
  payments: 'bench-payments',
  shipping: 'bench-shipping',
}

export interface Yardsticks extends Stoppable {
  /** Runs `count` workflows, `concurrency` at a time, each started when one has completed; seconds from first to last. */
  run(which: Yardstick, options: { count: number; concurrency: number }): Promise<number>
}

/** Three activities in turn; or what an order asks of Temporal until its confirmation. */
export type Yardstick = 'bare' | 'skeleton'

export async function startYardsticks({
  temporalAddress,
  temporalNamespace,
  folder,
  logger,
}: {
  temporalAddress: string
  temporalNamespace: string
  /** Where the bundle is put. */
  folder: string
  logger: Logger
}): Promise<Yardsticks> {
  const bundles = path.join(folder, 'yardsticks')
  const from = path.join(import.meta.dirname, 'yardstick', 'workflows.ts')
  mkdirSync(bundles)
  writeFileSync(bundleFile(bundles, false), (await buildWorkflowBundle({ encrypted: false, from })).code)
  const link = () =>
    createTemporalLink(
      { TEMPORAL_ADDRESS: temporalAddress, TEMPORAL_NAMESPACE: temporalNamespace, WORKFLOW_BUNDLE: bundles },
      logger,
    )
  const temporal = link()
  const activities = { nothing: async () => {} }
  // a link and a worker each, as the services have
  const services = [QUEUES.inventory, QUEUES.users, QUEUES.payments].map((taskQueue) => {
    const own = link()
    return { own, worker: own.startWorker({ taskQueue, workflows: false, activities }) }
  })
  const worker = temporal.startWorker({ taskQueue: TASK_QUEUE, workflows: true, activities })
  const stop = async (): Promise<void> => {
    await Promise.all([worker.stop(), ...services.map((service) => service.worker.stop())])
    await Promise.all([temporal.close(), ...services.map(({ own }) => own.close())])
  }
  try {
    await Promise.all([worker, ...services.map((service) => service.worker)].map(untilPolling))
  } catch (error) {
    await stop()
    throw error
  }

  async function runOne(which: Yardstick): Promise<void> {
    const options = { taskQueue: TASK_QUEUE, workflowId: `${which}-${randomUUID()}` }
    const handle =
      which === 'bare'
        ? await temporal.client.workflow.start<typeof bare>('bare', options)
        : await temporal.client.workflow.start<typeof skeleton>('skeleton', { ...options, args: [QUEUES] })
    await handle.result()
  }

  return {
    stop,
    async run(which, { count, concurrency }) {
      const began = performance.now()
      await closedLoop({ count, concurrency, work: () => runOne(which) })
      return (performance.now() - began) / 1000
    },
  }
}

async function untilPolling(worker: { probe(): Promise<void> }): Promise<void> {
  const deadline = performance.now() + 30_000
  for (;;) {
    try {
      await worker.probe()
      return
    } catch (error) {
      if (performance.now() > deadline) throw error
      await sleep(50)
    }
  }
}
