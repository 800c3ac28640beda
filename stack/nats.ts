import path from 'node:path'
import { jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { superviseChild, type Child, type ChildExit } from './children.ts'
import { natsConfig } from './nats-config.ts'
import { writePrivateFile } from './private-files.ts'
import { NATS_USERS, passwordOf, type Secrets } from './secrets.ts'

export type NatsOptions = {
  binary: string
  dataFolder: string
  port: number
  secrets: Secrets
  /** See NatsConfig. The outbox in PostgreSQL is the truth, so the local default trades a little safety for speed. */
  syncInterval?: string
  onUnexpectedExit?: ((exit: ChildExit) => void) | undefined
}

export type NatsCredentials = { user: string; password: string }

export type Nats = Child & {
  /** `127.0.0.1:4222`, for `connect({ servers })`. */
  readonly address: string
  /** By user: every service, `gateway`, `operator`. */
  readonly credentials: Record<string, NatsCredentials>
}

/** nats-server with JetStream, one user per service. Not started yet. */
export const createNats = (options: NatsOptions): Nats => {
  const { dataFolder, port, secrets } = options
  const address = `127.0.0.1:${port}`
  const credentials = Object.fromEntries(
    NATS_USERS.map((user) => [user, { user, password: passwordOf(secrets.nats, user) }]),
  )
  const configFile = path.join(dataFolder, 'nats.conf')
  const child = superviseChild({
    name: 'nats',
    dataFolder,
    command: options.binary,
    arguments: ['--config', configFile],
    ready: () => jetStreamAnswers(address, passwordOf(secrets.nats, 'operator')),
    onUnexpectedExit: options.onUnexpectedExit,
  })

  const start = async (): Promise<void> => {
    const config = {
      port,
      storeFolder: path.join(dataFolder, 'nats'),
      passwords: secrets.nats,
      syncInterval: options.syncInterval ?? '10s',
    }
    await writePrivateFile(configFile, natsConfig(config))
    await child.start()
  }

  return { ...child, start, address, credentials }
}

const jetStreamAnswers = async (address: string, password: string): Promise<void> => {
  const connection = await connect({
    servers: address,
    user: 'operator',
    pass: password,
    reconnect: false,
    timeout: 2_000,
  })
  try {
    const manager = await jetstreamManager(connection)
    await manager.getAccountInfo()
  } finally {
    await connection.close()
  }
}
