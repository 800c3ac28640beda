import path from 'node:path'
import type { DatabaseName, PortName, Ports } from '#contracts/services.ts'
import { findBinary } from './binaries.ts'
import type { ChildExit } from './children.ts'
import { lockDataFolder } from './data-folder-lock.ts'
import { createMailbox, type Mailbox } from './mailbox.ts'
import { createNats, type Nats, type NatsCredentials } from './nats.ts'
import { endOrphans } from './pid-records.ts'
import { assertPortsFree } from './ports.ts'
import { createPostgres, type Postgres } from './postgres.ts'
import { loadSecrets } from './secrets.ts'
import { createTemporal, type Temporal } from './temporal.ts'
import type { SearchAttributeTypes } from './temporal-search-attributes.ts'

export type InfrastructureOptions = {
  /** Databases, streams, logs, secrets. Used by one stack at a time. */
  dataFolder: string
  ports: Ports
  searchAttributes: SearchAttributeTypes
  /** See TemporalOptions. */
  temporalPollsPerSecond?: number
  /** See NatsConfig. */
  natsSyncInterval?: string
  /** See PostgresOptions; tests and other throwaway stacks set it to false and start and stop seconds faster. */
  survivesPowerFailure?: boolean
  binaryCacheFolder?: string
  /** Which ports must be free before anything starts; all of them unless told. */
  portsToCheck?: readonly PortName[]
  onProgress?: (message: string) => void
  /** A server that was ready ended by itself. It is not started again: that is the caller's decision. */
  onUnexpectedExit?: (exit: ChildExit) => void
}

export type Infrastructure = {
  databaseUrls: Record<DatabaseName, string>
  /** By user: every service, `gateway`, `operator`. */
  natsCredentials: Record<string, NatsCredentials>
  natsAddress: string
  temporalAddress: string
  temporalNamespace: string
  postgres: Postgres
  nats: Nats
  temporal: Temporal
  mailbox: Mailbox
  /** Stops everything and gives the data folder back. */
  stop(): Promise<void>
}

/**
 * Starts PostgreSQL, NATS, Temporal and the mailbox and resolves when all answer. What an earlier run left behind in the
 * data folder is ended first. Throws `DataFolderInUseError`, `PortsBusyError`, `BinaryNotFoundError`, `ChildStartError`;
 * then nothing keeps running.
 */
export const startInfrastructure = async (options: InfrastructureOptions): Promise<Infrastructure> => {
  const dataFolder = path.resolve(options.dataFolder)
  const unlock = await lockDataFolder(dataFolder)
  try {
    await clearTheWay(dataFolder, options)
    return await startParts(dataFolder, options, unlock)
  } catch (error) {
    await unlock()
    throw error
  }
}

const clearTheWay = async (dataFolder: string, options: InfrastructureOptions): Promise<void> => {
  const orphans = await endOrphans(dataFolder)
  if (orphans.length > 0) {
    const names = orphans.map(({ name, pid }) => `${name} (${pid})`).join(', ')
    options.onProgress?.(`ended what an earlier run had left: ${names}`)
  }
  await assertPortsFree(options.ports, options.portsToCheck)
}

const startParts = async (
  dataFolder: string,
  options: InfrastructureOptions,
  unlock: () => Promise<void>,
): Promise<Infrastructure> => {
  const { ports, onProgress, onUnexpectedExit } = options
  const secrets = await loadSecrets(dataFolder)
  const shared = { dataFolder, secrets, onProgress, onUnexpectedExit }
  const binaries = {
    onProgress,
    ...(options.binaryCacheFolder ? { cacheFolder: options.binaryCacheFolder } : {}),
  }
  const stops: (() => Promise<void>)[] = []

  const begin = async <Part extends { start(): Promise<void>; stop(): Promise<void> }>(
    name: string,
    create: () => Part | Promise<Part>,
  ): Promise<Part> => {
    const began = performance.now()
    const part = await create()
    stops.push(() => part.stop())
    await part.start()
    onProgress?.(`${name} is ready (${((performance.now() - began) / 1000).toFixed(1)} s)`)
    return part
  }

  const [postgres, nats, temporal, mailbox] = await allOrNone(stops, [
    begin('PostgreSQL', () =>
      createPostgres({
        ...shared,
        port: ports.postgres,
        survivesPowerFailure: options.survivesPowerFailure ?? true,
      }),
    ),
    begin('NATS', async () =>
      createNats({
        ...shared,
        binary: await findBinary('nats-server', binaries),
        port: ports.nats,
        ...(options.natsSyncInterval ? { syncInterval: options.natsSyncInterval } : {}),
      }),
    ),
    begin('Temporal', async () =>
      createTemporal({
        ...shared,
        binary: await findBinary('temporal', binaries),
        port: ports.temporal,
        uiPort: ports.temporalUi,
        searchAttributes: options.searchAttributes,
        ...(options.temporalPollsPerSecond ? { pollsPerSecond: options.temporalPollsPerSecond } : {}),
      }),
    ),
    begin('mailbox', () => createMailbox({ port: ports.mailbox, smtpPort: ports.smtp })),
  ])

  return {
    databaseUrls: postgres.databaseUrls,
    natsCredentials: nats.credentials,
    natsAddress: nats.address,
    temporalAddress: temporal.address,
    temporalNamespace: temporal.namespace,
    postgres,
    nats,
    temporal,
    mailbox,
    stop: async () => {
      await Promise.all(stops.map((stop) => stop()))
      await unlock()
    },
  }
}

/** When one part can't start, the others are stopped once they have settled, so that nothing starts behind our back. */
const allOrNone = async <Parts extends unknown[]>(
  stops: (() => Promise<void>)[],
  parts: { [Index in keyof Parts]: Promise<Parts[Index]> },
): Promise<Parts> => {
  try {
    return await Promise.all(parts)
  } catch (error) {
    await Promise.allSettled(parts)
    await Promise.all(stops.map((stop) => stop()))
    throw error
  }
}
