/** A process's link to Temporal: it may be away at any time, also at the start; clients fail fast, workers come back. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Connection } from '@temporalio/client'
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker'
import type { Logger } from '../logger.ts'
import { workflowBundle } from './bundle.ts'
import { createDataConverter } from './data-converter.ts'
import { createActivityInterceptor } from './activity.ts'
import { clientTraceInterceptor } from './trace.ts'

export interface TemporalConfig {
  TEMPORAL_ADDRESS: string
  TEMPORAL_NAMESPACE: string
  TEMPORAL_TLS_CA?: string
  TEMPORAL_TLS_CERT?: string
  TEMPORAL_TLS_KEY?: string
  PAYLOAD_KEYS?: string
  WORKFLOW_BUNDLE?: string
}

export interface WorkerDefinition {
  taskQueue: string
  activities: object
  /** Whether this worker runs workflows too. */
  workflows: boolean
}

export interface TemporalLink {
  client: Client
  /** Starts polling as soon as Temporal can be reached. */
  startWorker(definition: WorkerDefinition): RunningWorker
  probe(): Promise<void>
  close(): Promise<void>
}

export interface RunningWorker {
  /** Stops polling, lets running work finish within the grace time. */
  stop(): Promise<void>
  /** Rejects while the worker is not polling. */
  probe(): Promise<void>
}

const CLIENT_DEADLINE_MS = 5_000
const RETRY_MS = 1_000

let runtimeInstalled = false

/** Temporal's native core is one per process; it must leave the signals to us. */
export function installRuntime(logger: Logger): void {
  if (runtimeInstalled) return
  runtimeInstalled = true
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => {
      const log = level === 'ERROR' ? logger.error.bind(logger) : logger.warn.bind(logger)
      log({ component: 'temporal', ...meta }, message)
    }),
    telemetryOptions: { logging: { filter: 'ERROR', forward: {} } },
    shutdownSignals: [],
  })
}

export function createTemporalLink(config: TemporalConfig, logger: Logger): TemporalLink {
  installRuntime(logger)
  const tls = readTls(config)
  const dataConverter = createDataConverter(config.PAYLOAD_KEYS)
  const connection = Connection.lazy({
    address: config.TEMPORAL_ADDRESS,
    connectTimeout: CLIENT_DEADLINE_MS,
    ...(tls === undefined ? {} : { tls }),
  })
  const client = new Client({
    connection,
    namespace: config.TEMPORAL_NAMESPACE,
    dataConverter,
    interceptors: { workflow: [clientTraceInterceptor] },
  })

  let native: Promise<NativeConnection> | undefined
  const nativeConnection = (): Promise<NativeConnection> => {
    native ??= NativeConnection.connect({
      address: config.TEMPORAL_ADDRESS,
      ...(tls === undefined ? {} : { tls }),
    })
    native.catch(() => {
      native = undefined
    })
    return native
  }

  async function createWorker({ taskQueue, activities, workflows }: WorkerDefinition): Promise<Worker> {
    const options: WorkerOptions = {
      connection: await nativeConnection(),
      namespace: config.TEMPORAL_NAMESPACE,
      taskQueue,
      activities,
      dataConverter,
      interceptors: { activity: [() => ({ inbound: createActivityInterceptor(logger) })] },
      shutdownGraceTime: '10s',
      shutdownForceTime: '20s',
      ...(workflows
        ? {
            workflowBundle: await workflowBundle(config.PAYLOAD_KEYS !== undefined, config.WORKFLOW_BUNDLE),
            maxCachedWorkflows: 500,
          }
        : {}),
    }
    return Worker.create(options)
  }

  return {
    client,
    startWorker(definition) {
      const stopping = new AbortController()
      const stopped = new Promise<void>((resolve) => {
        stopping.signal.addEventListener('abort', () => resolve(), { once: true })
      })
      let worker: Worker | undefined
      const running = (async () => {
        while (!stopping.signal.aborted) {
          try {
            worker = await createWorker(definition)
            await worker.runUntil(stopped)
          } catch (error) {
            logger.warn(
              { err: error, taskQueue: definition.taskQueue },
              'the Temporal worker stopped; it starts again',
            )
          }
          worker = undefined
          if (!stopping.signal.aborted)
            await sleep(RETRY_MS, undefined, { signal: stopping.signal }).catch(() => {})
        }
      })()
      return {
        async stop() {
          stopping.abort()
          await running
        },
        async probe() {
          if (worker?.getState() !== 'RUNNING') throw new Error(`no worker polls ${definition.taskQueue}`)
        },
      }
    },
    async probe() {
      await connection.withDeadline(Date.now() + CLIENT_DEADLINE_MS, () =>
        connection.workflowService.getSystemInfo({}),
      )
    },
    async close() {
      await connection.close()
      await (await native?.catch(() => undefined))?.close()
    },
  }
}

function readTls(config: TemporalConfig) {
  const { TEMPORAL_TLS_CA: ca, TEMPORAL_TLS_CERT: cert, TEMPORAL_TLS_KEY: key } = config
  if (ca === undefined && cert === undefined) return undefined
  return {
    ...(ca === undefined ? {} : { serverRootCACertificate: readFileSync(ca) }),
    ...(cert === undefined || key === undefined
      ? {}
      : { clientCertPair: { crt: readFileSync(cert), key: readFileSync(key) } }),
  }
}
