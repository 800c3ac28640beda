/** The yardstick: bare workflows on the same Temporal server, by a worker with the platform's own options. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '#platform/logger.ts'
import type { Stoppable } from '#platform/lifecycle.ts'
import { buildWorkflowBundle, bundleFile } from '#platform/temporal/bundle.ts'
import { createTemporalLink } from '#platform/temporal/link.ts'
import { closedLoop } from './closed-loop.ts'
import type { bare } from './bare/workflows.ts'

const TASK_QUEUE = 'bench'

export interface BareWorkflows extends Stoppable {
  /** Runs `count` workflows, `concurrency` at a time, each started when one has completed; seconds from first to last. */
  run(options: { count: number; concurrency: number }): Promise<number>
}

export async function startBareWorkflows({
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
}): Promise<BareWorkflows> {
  const bundles = path.join(folder, 'bare-workflows')
  const from = path.join(import.meta.dirname, 'bare', 'workflows.ts')
  mkdirSync(bundles)
  writeFileSync(bundleFile(bundles, false), (await buildWorkflowBundle({ encrypted: false, from })).code)
  const temporal = createTemporalLink(
    { TEMPORAL_ADDRESS: temporalAddress, TEMPORAL_NAMESPACE: temporalNamespace, WORKFLOW_BUNDLE: bundles },
    logger,
  )
  const worker = temporal.startWorker({
    taskQueue: TASK_QUEUE,
    workflows: true,
    activities: { nothing: async () => {} },
  })
  const stop = async (): Promise<void> => {
    await worker.stop()
    await temporal.close()
  }
  try {
    await untilPolling(worker)
  } catch (error) {
    await stop()
    throw error
  }
  return {
    stop,
    async run({ count, concurrency }) {
      const began = performance.now()
      await closedLoop({
        count,
        concurrency,
        async work() {
          const handle = await temporal.client.workflow.start<typeof bare>('bare', {
            taskQueue: TASK_QUEUE,
            workflowId: `bare-${randomUUID()}`,
          })
          await handle.result()
        },
      })
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
