import { SERVICE_NAMES, type ServiceName } from '#contracts/services.ts'
import { passwordOf } from './secrets.ts'

type Permissions = { publish: { allow: string[]; deny?: string[] }; subscribe: { allow: string[] } }

/** What every JetStream client needs: the API, acknowledgements, flow control, replies to requests, key-value buckets. */
const JETSTREAM_CLIENT = ['$JS.API.>', '$JS.ACK.>', '$JS.FC.>', '_INBOX.>', '$KV.>']

/** The stream of events is the record of what happened: no service may shorten it. */
const HISTORY_CHANGES = ['DELETE.EVENTS', 'PURGE.EVENTS', 'MSG.DELETE.EVENTS'].map(
  (api) => `$JS.API.STREAM.${api}`,
)

/** A service announces only its own facts and dead letters, and may read everybody's. */
export const servicePermissions = (service: ServiceName): Permissions => ({
  publish: { allow: [`evt.${service}.>`, `dlq.${service}.>`, ...JETSTREAM_CLIENT], deny: HISTORY_CHANGES },
  subscribe: { allow: ['_INBOX.>', 'evt.>', `dlq.${service}.>`] },
})

const GATEWAY_PERMISSIONS: Permissions = {
  publish: { allow: JETSTREAM_CLIENT, deny: HISTORY_CHANGES },
  subscribe: { allow: ['_INBOX.>', 'evt.>'] },
}

const OPERATOR_PERMISSIONS: Permissions = { publish: { allow: ['>'] }, subscribe: { allow: ['>'] } }

export type NatsConfig = {
  port: number
  storeFolder: string
  passwords: Record<string, string>
  /** How often acknowledged messages reach the disk: a duration, or `always` (before each acknowledgement). */
  syncInterval: string
}

const MEGABYTE = 1_048_576

/** The server's configuration. Its format takes JSON values as they are, which does the quoting. */
export const natsConfig = ({ port, storeFolder, passwords, syncInterval }: NatsConfig): string =>
  `${JSON.stringify(
    {
      server_name: 'mainstay-local',
      listen: `127.0.0.1:${port}`,
      max_payload: MEGABYTE,
      jetstream: {
        store_dir: storeFolder,
        max_memory_store: 256 * MEGABYTE,
        max_file_store: 10_240 * MEGABYTE,
        sync_interval: syncInterval,
      },
      authorization: {
        users: [
          ...SERVICE_NAMES.map((service) => user(service, passwords, servicePermissions(service))),
          user('gateway', passwords, GATEWAY_PERMISSIONS),
          user('operator', passwords, OPERATOR_PERMISSIONS),
        ],
      },
    },
    null,
    2,
  )}\n`

const user = (name: string, passwords: Record<string, string>, permissions: Permissions) => ({
  user: name,
  password: passwordOf(passwords, name),
  permissions,
})
