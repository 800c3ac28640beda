import { DEAD_LETTER_STREAM, EVENT_STREAM, REDRIVE_STREAM } from '#contracts/events.ts'
import { SERVICE_NAMES, type ServiceName } from '#contracts/services.ts'
import { passwordOf } from './secrets.ts'

type Permissions = { publish: { allow: string[] }; subscribe: { allow: string[] } }

/** They are made by whichever process comes first; nobody but the operator changes, empties or removes them. */
const STREAMS = [EVENT_STREAM, DEAD_LETTER_STREAM, REDRIVE_STREAM]

/** The service whose operations page lists dead letters and has them sent again. */
const REDRIVES = 'orders' satisfies ServiceName

/** The notifications service's key-value buckets, which are streams too. */
const BUCKETS = ['notifications', 'order-customers', 'webhook-endpoints']

/**
 * What a reader of events may ask of JetStream. All of `$JS.API` would be everybody's subjects: a stream of one's own can
 * republish to any of them, and an update of EVENTS can shorten it.
 */
const JETSTREAM_CLIENT = [
  '$JS.API.INFO',
  ...STREAMS.flatMap((stream) => [`$JS.API.STREAM.INFO.${stream}`, `$JS.API.STREAM.CREATE.${stream}`]),
  ...['CREATE', 'DURABLE.CREATE', 'INFO', 'MSG.NEXT'].map(
    (call) => `$JS.API.CONSUMER.${call}.${EVENT_STREAM}.>`,
  ),
  '$JS.ACK.>',
  '$JS.FC.>',
]

const KEY_VALUE_CLIENT = BUCKETS.flatMap((bucket) => [
  ...['INFO', 'CREATE', 'MSG.GET'].map((call) => `$JS.API.STREAM.${call}.KV_${bucket}`),
  `$KV.${bucket}.>`,
])

/** Its queue of merchants' webhooks, with a consumer for each endpoint, and the record of what was tried. */
const WEBHOOKS_CLIENT = [
  ...['WEBHOOKS', 'WEBHOOK_ATTEMPTS'].flatMap((stream) =>
    ['INFO', 'CREATE', 'PURGE'].map((call) => `$JS.API.STREAM.${call}.${stream}`),
  ),
  ...['CREATE', 'DURABLE.CREATE', 'INFO', 'MSG.NEXT', 'DELETE'].map(
    (call) => `$JS.API.CONSUMER.${call}.WEBHOOKS.>`,
  ),
  '$JS.API.DIRECT.GET.WEBHOOK_ATTEMPTS',
  'webhook.>',
]

/** Where answers come to; the event bus asks with this prefix. */
const inboxOf = (user: string): string => `_INBOX.${user}.>`

/** A service follows the requests to take its own dead letters again, and reads the letters that they name. */
const redriveClient = (service: ServiceName): string[] => [
  `$JS.API.CONSUMER.CREATE.${REDRIVE_STREAM}.*.redrive.${service}.>`,
  ...['INFO', 'MSG.NEXT'].map((call) => `$JS.API.CONSUMER.${call}.${REDRIVE_STREAM}.>`),
  `$JS.API.STREAM.MSG.GET.${DEAD_LETTER_STREAM}`,
]

/** A service announces only its own facts and dead letters, and may read everybody's. */
export const servicePermissions = (service: ServiceName): Permissions => ({
  publish: {
    allow: [
      `evt.${service}.>`,
      `dlq.${service}.>`,
      ...JETSTREAM_CLIENT,
      ...redriveClient(service),
      ...(service === REDRIVES ? ['redrive.>'] : []),
      ...(service === 'notifications' ? [...KEY_VALUE_CLIENT, ...WEBHOOKS_CLIENT] : []),
    ],
  },
  subscribe: { allow: [inboxOf(service), 'evt.>', `dlq.${service}.>`] },
})

/** The gateway reads along without a durable consumer of its own; those it made it removes. */
export const GATEWAY_PERMISSIONS: Permissions = {
  publish: { allow: [...JETSTREAM_CLIENT, `$JS.API.CONSUMER.DELETE.${EVENT_STREAM}.*`] },
  subscribe: { allow: [inboxOf('gateway'), 'evt.>'] },
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
