/**
 * What every service is: an HTTP door, a Temporal door, consumers and an outbox relay around one set of use cases. A
 * service's `main.ts` says what goes in; this starts it, in one process with others or alone, with both roles or one.
 */
import Type, { type Static, type TObject } from 'typebox'
import type { DurableName } from '#contracts/consumers.ts'
import type { AnyDomainEvent } from '#contracts/events.ts'
import { TASK_QUEUES, type ServiceName } from '#contracts/services.ts'
import {
  brokerConfig,
  callerConfig,
  loadConfig,
  Port,
  processConfig,
  rolesConfig,
  temporalConfig,
  type Environment,
} from './config.ts'
import type { Database, Sql } from './database.ts'
import { startConsumer } from './events/consumer.ts'
import { createEventBus, isPoison, type EventBus } from './events/event-bus.ts'
import { startHousekeeping } from './events/housekeeping.ts'
import { createUnitOfWork, type UnitOfWork } from './events/outbox.ts'
import { probeOutbox, startRelay } from './events/relay.ts'
import { createRepublishEvents, type RepublishOptions } from './events/republish.ts'
import type { Probe } from './health.ts'
import { listen } from './http/listen.ts'
import { createHttpServer, type HttpServer } from './http/server.ts'
import { createLifecycle, runProcess, type Stoppable } from './lifecycle.ts'
import { createLogger, type Logger } from './logger.ts'
import type { Loop } from './loop.ts'
import { createCallerVerifier, parseIssuers, type CallerVerifier } from './service-token.ts'
import { createTemporalLink, type TemporalLink } from './temporal/link.ts'

/** Configuration that every service takes; its own comes on top. */
export const serviceConfig = {
  ...processConfig,
  PORT: Port(0),
  ...rolesConfig,
  ...callerConfig,
  ...brokerConfig,
  ...temporalConfig,
}

const BaseConfig = Type.Object(serviceConfig)
type BaseConfig = Static<typeof BaseConfig>

export interface ServiceContext<Config> {
  config: Config
  /** Where plug-ins of the service read what they alone know of. */
  environment: Environment
  logger: Logger
  temporal: TemporalLink
  bus: EventBus
  /** Opens the outbox of the service's database: transactions through it wake the relay of this process. */
  outbox: <Tx extends Sql>(database: Database<Tx>, options: { OUTBOX_POLL_MS: number }) => UnitOfWork<Tx>
}

export interface EventSubscription {
  durable: DurableName
  subjects: string[]
  handle: (event: AnyDomainEvent) => Promise<void>
}

export interface ServiceParts {
  routes(app: HttpServer, verifyCaller: CallerVerifier): void
  /** The Temporal door, where the service has one. */
  worker?: { activities: object; workflows: boolean }
  consumers: EventSubscription[]
  /** Loops of the service's own (relays of commands, sweepers), started with the worker role. */
  background?: () => Stoppable[]
  probes: Record<string, Probe>
  close(): Promise<void>
}

export interface ServiceDefinition<C extends TObject = TObject> {
  name: ServiceName
  config: C
  build(context: ServiceContext<Static<C> & BaseConfig>): Promise<ServiceParts>
}

/** Keeps the configuration's type between `config` and `build`. */
export const defineService = <C extends TObject>(definition: ServiceDefinition<C>): ServiceDefinition<C> =>
  definition

/**
 * Runs a service as a process of its own.
 *
 * @example if (import.meta.main) await runService(ordersService)
 */
export const runService = <C extends TObject>(definition: ServiceDefinition<C>): Promise<void> =>
  runProcess({
    title: `The ${definition.name} service`,
    config: definition.config,
    start: () => startService(definition, process.env),
  })

export interface RunningService extends Stoppable {
  name: ServiceName
  /** `http://127.0.0.1:8081`; a process without the HTTP role answers health checks only. */
  url: string
}

/** What services in one process share: one native connection and one workflow bundle serve all workers. */
export interface SharedResources {
  temporal?: TemporalLink
  /** Without a service yet. */
  logger?: Logger
}

export async function startService<C extends TObject>(
  definition: ServiceDefinition<C>,
  environment: Environment,
  shared: SharedResources = {},
): Promise<RunningService> {
  const { name } = definition
  const config = { ...loadConfig(definition.config, environment), ...loadConfig(BaseConfig, environment) }
  const logger =
    shared.logger?.child({ service: name }) ?? createLogger({ service: name, level: config.LOG_LEVEL })
  const lifecycle = createLifecycle(logger)
  const roles = new Set(config.ROLES.split(','))

  const temporal = shared.temporal ?? createTemporalLink(config, logger)
  if (shared.temporal === undefined) lifecycle.onStop('temporal', () => temporal.close())
  const bus = createEventBus({
    url: config.NATS_URL,
    user: config.NATS_USER,
    password: config.NATS_PASSWORD,
    name,
    logger,
  })
  lifecycle.onStop('broker', () => bus.close())
  const probes: Record<string, Probe> = { broker: () => bus.probe() }
  if (name in TASK_QUEUES) probes['temporal'] = () => temporal.probe()
  /** Set by a service that has a database with an outbox. */
  let events: RepublishOptions | undefined

  try {
    const parts = await build()
    Object.assign(probes, parts.probes)
    if (roles.has('worker')) startWorkerRole(parts)
    const url = await startHttp(parts)
    logger.info({ url, roles: [...roles] }, `${name} is up`)
    return { name, url, stop: () => lifecycle.stop() }
  } catch (error) {
    await lifecycle.stop()
    throw error
  }

  /** The relays start with the outbox; they stop before the database that they read is closed. */
  async function build(): Promise<ServiceParts> {
    const relays: Loop[] = []
    const stopRelays = async (): Promise<void> => {
      await Promise.all(relays.map((relay) => relay.stop()))
    }
    lifecycle.onStop('relay', stopRelays)
    const parts = await definition.build({
      config,
      environment,
      logger,
      temporal,
      bus,
      outbox(database, { OUTBOX_POLL_MS }) {
        const relay = startRelay({
          database,
          publish: (event) => bus.publish(event),
          isPoison,
          pollMs: OUTBOX_POLL_MS,
          logger,
        })
        relays.push(relay)
        events = { database, bus, service: name, logger }
        probes['outbox'] = probeOutbox(database)
        return createUnitOfWork(database, () => relay.nudge())
      },
    })
    lifecycle.onStop('database', async () => {
      await stopRelays()
      await parts.close()
    })
    return parts
  }

  function startWorkerRole(parts: ServiceParts): void {
    for (const subscription of parts.consumers) {
      const consumer = startConsumer({ ...subscription, bus, service: name, logger })
      lifecycle.onStop(subscription.durable, () => consumer.stop())
    }
    for (const task of parts.background?.() ?? []) lifecycle.onStop('background', () => task.stop())
    if (events !== undefined) {
      const housekeeping = startHousekeeping(events)
      lifecycle.onStop('housekeeping', () => housekeeping.stop())
    }
    if (parts.worker === undefined || !(name in TASK_QUEUES)) return
    const platform = events === undefined ? {} : { republishEvents: createRepublishEvents(events) }
    const { workflows, activities } = parts.worker
    const worker = temporal.startWorker({
      taskQueue: name,
      workflows,
      activities: { ...activities, ...platform },
    })
    probes['worker'] = () => worker.probe()
    lifecycle.onStop('worker', () => worker.stop())
  }

  async function startHttp(parts: ServiceParts): Promise<string> {
    const app = createHttpServer({ logger, probes })
    if (roles.has('http'))
      parts.routes(app, createCallerVerifier(name, parseIssuers(config.INTERNAL_ISSUERS)))
    const address = await listen(app, { name, host: config.HOST, port: config.PORT })
    lifecycle.onStop('http', () => app.close())
    return address
  }
}

export { listen }
