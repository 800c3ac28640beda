/** A namespace of its own on the real Temporal server, with workers on every task queue, for one test file. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Connection } from '@temporalio/client'
import { temporal } from '@temporalio/proto'
import { NativeConnection, Runtime, Worker, type WorkflowBundleOption } from '@temporalio/worker'
import { inject } from 'vitest'
import { TASK_QUEUES } from '#contracts/services.ts'
import { SEARCH_ATTRIBUTES } from '#contracts/search-attributes.ts'
import { buildWorkflowBundle, bundleFile, workflowBundle } from '#platform/temporal/bundle.ts'
import { closeWithFile } from './closing.ts'

const { IndexedValueType } = temporal.api.enums.v1

const TYPES = {
  Keyword: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
  Bool: IndexedValueType.INDEXED_VALUE_TYPE_BOOL,
  Int: IndexedValueType.INDEXED_VALUE_TYPE_INT,
} as const

/** Activities by the service that has them. */
export type ActivitiesByQueue = Partial<Record<keyof typeof TASK_QUEUES, object>>

/**
 * Starts workers for these activities, none where a service has none; `orders` and `shipping` run workflows too. Everything
 * ends with the test file.
 *
 * @param workflows a file of other workflows than the platform's
 */
export async function startWorkers(activities: ActivitiesByQueue, workflows?: string): Promise<Client> {
  quietRuntime()
  const { temporalAddress: address } = inject('infrastructure')
  const connection = await Connection.connect({ address })
  const namespace = await createNamespace(connection)
  const native = await NativeConnection.connect({ address })
  const bundle = await (workflows === undefined
    ? sharedBundle()
    : buildWorkflowBundle({ encrypted: false, from: workflows }))
  const workers = await Promise.all(
    Object.values(TASK_QUEUES)
      .filter((taskQueue) => activities[taskQueue] !== undefined)
      .map((taskQueue) =>
        Worker.create({
          connection: native,
          namespace,
          taskQueue,
          activities: activities[taskQueue] ?? {},
          ...(taskQueue === 'orders' || taskQueue === 'shipping' ? { workflowBundle: bundle } : {}),
        }),
      ),
  )
  const running = Promise.all(workers.map((worker) => worker.run()))
  closeWithFile(async () => {
    for (const worker of workers) worker.shutdown()
    await running
    await native.close()
    await connection.close()
  })
  return new Client({ connection, namespace })
}

/** The platform's workflows; built once for all files of a run. */
async function sharedBundle(): Promise<WorkflowBundleOption> {
  const { bundleFolder } = inject('infrastructure')
  if (bundleFolder === undefined) return workflowBundle(false, undefined)
  const file = bundleFile(bundleFolder, false)
  if (!existsSync(file)) {
    const { code } = await buildWorkflowBundle({ encrypted: false })
    // moved to its place: another file that looks for it meanwhile sees a whole one or none
    const draft = `${file}.${process.pid}`
    await writeFile(draft, code)
    await rename(draft, file)
  }
  return { codePath: file }
}

let runtimeInstalled = false

function quietRuntime(): void {
  if (runtimeInstalled) return
  runtimeInstalled = true
  Runtime.install({
    telemetryOptions: { logging: { filter: 'OFF', forward: {} } },
    logger: silent,
    shutdownSignals: [],
  })
}

const nothing = () => {}
const silent = { log: nothing, trace: nothing, debug: nothing, info: nothing, warn: nothing, error: nothing }

async function createNamespace(connection: Connection): Promise<string> {
  const namespace = `test-${randomBytes(6).toString('hex')}`
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  })
  const searchAttributes = Object.fromEntries(
    Object.entries(SEARCH_ATTRIBUTES).map(([name, type]) => [name, TYPES[type]]),
  )
  // a new namespace is known to every part of the server within seconds, where the machine does not pause
  for (let attempt = 0; ; attempt++) {
    try {
      await connection.operatorService.addSearchAttributes({ namespace, searchAttributes })
      return namespace
    } catch (error) {
      if (attempt === 300) throw error
      await sleep(200)
    }
  }
}
