/** The local stack: servers, databases, seed and every process of the platform, started in order and stopped in reverse. */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pino from 'pino'
import type { Ports } from '#contracts/services.ts'
import { SEARCH_ATTRIBUTES } from '#contracts/search-attributes.ts'
import type { Environment } from '#platform/config.ts'
import { createLifecycle, type Stoppable } from '#platform/lifecycle.ts'
import { createLogger } from '#platform/logger.ts'
import type { Child, ChildExit } from './children.ts'
import { processEnvironments, type EnvironmentOptions, type ProcessName } from './environments.ts'
import { startInfrastructure, type Infrastructure } from './infrastructure.ts'
import type { InProcessOptions } from './in-process.ts'
import { loadPlatformKeys } from './platform-keys.ts'
import type { PlatformProcesses } from './processes.ts'

export interface StackOptions {
  dataFolder: string
  ports: Ports
  /** Every part a process of its own, instead of all in this one. */
  processes?: boolean
  settings?: Environment
  /** Settings of single processes. */
  settingsOf?: EnvironmentOptions['settingsOf']
  /** See InProcessOptions; for a platform in this process. */
  aroundTemporal?: InProcessOptions['aroundTemporal']
  /** See InfrastructureOptions. */
  temporalPollsPerSecond?: number
  survivesPowerFailure?: boolean
  binaryCacheFolder?: string
  onProgress?: (message: string) => void
  onUnexpectedExit?: (exit: ChildExit) => void
}

export type RestartableChild = Pick<Child, 'name' | 'start' | 'kill'>

export interface Stack extends Stoppable {
  readonly ports: Ports
  readonly dataFolder: string
  readonly infrastructure: Infrastructure
  readonly environments: Record<ProcessName, Environment>
  /** PostgreSQL, NATS and Temporal, as they can be killed and started again. */
  readonly servers: readonly RestartableChild[]
  /** The same of the platform's processes; empty where it runs in this one. */
  readonly parts: readonly RestartableChild[]
  /** The platform's processes, where they have been asked for. */
  readonly processes: PlatformProcesses | undefined
  /** `http://127.0.0.1:8080` */
  readonly gatewayUrl: string
  /** Where the platform writes its log when it runs in this process. */
  readonly logFile: string
}

const HEALTHY_TIMEOUT_MS = 60_000

/** Resolves when the gateway reports everything healthy; when anything fails, what was started is stopped first. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { ports, settings, onProgress = () => {}, onUnexpectedExit } = options
  const dataFolder = path.resolve(options.dataFolder)
  const logFile = path.join(dataFolder, 'logs', 'platform.log')
  const lifecycle = createLifecycle({
    error: (details: unknown) => onProgress(`could not stop cleanly: ${JSON.stringify(details)}`),
  })
  try {
    const infrastructure = await startInfrastructure({
      dataFolder,
      ports,
      searchAttributes: SEARCH_ATTRIBUTES,
      onProgress,
      ...(options.temporalPollsPerSecond === undefined
        ? {}
        : { temporalPollsPerSecond: options.temporalPollsPerSecond }),
      ...(options.survivesPowerFailure === undefined
        ? {}
        : { survivesPowerFailure: options.survivesPowerFailure }),
      ...(options.binaryCacheFolder === undefined ? {} : { binaryCacheFolder: options.binaryCacheFolder }),
      ...(onUnexpectedExit === undefined ? {} : { onUnexpectedExit }),
    })
    lifecycle.onStop('infrastructure', () => infrastructure.stop())
    const environments = processEnvironments({
      dataFolder,
      ports,
      servers: infrastructure,
      keys: await loadPlatformKeys(dataFolder),
      ...(settings === undefined ? {} : { settings }),
      ...(options.settingsOf === undefined ? {} : { settingsOf: options.settingsOf }),
    })

    // imported only now: the clients of the databases are generated before anything that needs them is loaded
    const { migrateAll, seedAll, catalogIsKnown } = await import('./seed.ts')
    await migrateAll(infrastructure, onProgress)
    await seedAll(infrastructure, onProgress)

    // the data folder itself can be entered by everybody: PostgreSQL may run as another user
    mkdirSync(path.dirname(logFile), { recursive: true, mode: 0o700 })
    mkdirSync(path.join(dataFolder, 'sandbox'), { recursive: true, mode: 0o700 })
    let processes: PlatformProcesses | undefined
    if (options.processes === true) {
      const { startProcesses } = await import('./processes.ts')
      processes = await startProcesses({
        environments,
        dataFolder,
        ports,
        onProgress,
        ...(onUnexpectedExit === undefined ? {} : { onUnexpectedExit }),
      })
      const running = processes
      lifecycle.onStop('platform', () => running.stop())
    } else {
      const { startInProcess } = await import('./in-process.ts')
      const destination = pino.destination({ dest: logFile, sync: false })
      const logger = createLogger({
        level: environments.orders['LOG_LEVEL'] ?? 'info',
        destination,
      })
      lifecycle.onStop('log', async () => destination.flushSync())
      const platform = await startInProcess({
        environments,
        servers: infrastructure,
        logger,
        aroundTemporal: options.aroundTemporal,
      })
      lifecycle.onStop('platform', () => platform.stop())
      onProgress('services, workers and gateway are composed')
    }
    const gatewayUrl = `http://127.0.0.1:${ports.gateway}`
    await Promise.all([untilHealthy(gatewayUrl), catalogIsKnown(infrastructure)])
    return {
      ports,
      dataFolder,
      infrastructure,
      environments,
      servers: [infrastructure.postgres, infrastructure.nats, infrastructure.temporal],
      parts: Object.values(processes?.children ?? {}),
      processes,
      gatewayUrl,
      logFile,
      stop: () => lifecycle.stop(),
    }
  } catch (error) {
    await lifecycle.stop()
    throw error
  }
}

/** Waits until the gateway and everything behind it reports healthy; says what does not, when the time is up. */
export async function untilHealthy(gatewayUrl: string, timeoutMs = HEALTHY_TIMEOUT_MS): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const report = await fetch(`${gatewayUrl}/health`, { signal: AbortSignal.timeout(5_000) }).catch(
      (error: unknown) => String(error),
    )
    if (report instanceof Response && report.ok) return
    if (performance.now() > deadline) {
      const detail = report instanceof Response ? await report.text() : report
      throw new Error(`The platform did not become healthy within ${timeoutMs / 1000} s: ${detail}`)
    }
    await sleep(100)
  }
}
