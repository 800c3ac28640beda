/** A NATS server of one test file's own, for what gets into the way of others on everybody's. */
import { jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll } from 'vitest'
import { findBinary } from '#stack/binaries.ts'
import { createNats, type Nats } from '#stack/nats.ts'
import { freePorts } from '#stack/ports.ts'
import { loadSecrets } from '#stack/secrets.ts'
import { temporaryFolder } from '#stack/temporary-folder.ts'

/**
 * Runs until the file is done. To be called where hooks are declared: one that is declared inside another is never called.
 *
 * @returns the server, once the file's hooks run
 */
export function natsServer(): () => Nats {
  const folder = temporaryFolder()
  let nats: Nats | undefined
  beforeAll(async () => {
    const [binary, ports, secrets] = await Promise.all([
      findBinary('nats-server'),
      freePorts(),
      loadSecrets(folder.path),
    ])
    nats = createNats({ binary, dataFolder: folder.path, port: ports.nats, secrets })
    await nats.start()
  })
  afterAll(async () => {
    await nats?.stop()
    folder.remove()
  })
  return () => nats!
}

/** A connection as one of the server's users; it does not come back when the server ends. */
export function connectAs({ address, credentials }: Nats, user: string): Promise<NatsConnection> {
  const known = credentials[user]
  if (known === undefined) throw new Error(`the server has no user ${user}`)
  const inboxPrefix = `_INBOX.${user}`
  return connect({ servers: address, user, pass: known.password, inboxPrefix, reconnect: false })
}

/** Makes the stream of events on a server that has none, as its operator. */
export async function addEventStream(nats: Nats): Promise<void> {
  const operator = await connectAs(nats, 'operator')
  const manager = await jetstreamManager(operator)
  await manager.streams.add({ name: 'EVENTS', subjects: ['evt.>'] })
  await operator.close()
}
