import { durablesOf, republishConsumer } from '#contracts/consumers.ts'
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
 * What everybody may ask of JetStream. All of `$JS.API` would be everybody's subjects: a stream of one's own can republish
 * to any of them, and an update of EVENTS can shorten it.
 */
const JETSTREAM_CLIENT = [
  '$JS.API.INFO',
  ...STREAMS.flatMap((stream) => [`$JS.API.STREAM.INFO.${stream}`, `$JS.API.STREAM.CREATE.${stream}`]),
]

/**
 * A consumer of a stream, for its reader alone: whoever may ask for its next messages and acknowledge them takes them away
 * from its service, and whoever may create one of its name changes what it follows. So names are never left open; nor is
 * `$JS.API.CONSUMER.CREATE.STREAM` allowed, whose body may name anybody's.
 *
 * @param filters of the created consumer, as the subject of the request ends; without, its body names them
 */
const consumerClient = (stream: string, name: string, filters?: string): string[] => [
  ...(filters === undefined
    ? [`$JS.API.CONSUMER.DURABLE.CREATE.${stream}.${name}`]
    : [`$JS.API.CONSUMER.CREATE.${stream}.${name}.${filters}`]),
  ...['INFO', 'MSG.NEXT'].map((call) => `$JS.API.CONSUMER.${call}.${stream}.${name}`),
]

const ackOf = (stream: string, name: string): string => `$JS.ACK.${stream}.${name}.>`

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
  '$JS.ACK.WEBHOOKS.>',
  '$JS.API.DIRECT.GET.WEBHOOK_ATTEMPTS',
  'webhook.>',
]

/** Where answers come to; the event bus asks with this prefix. */
const inboxOf = (user: string): string => `_INBOX.${user}.>`

/**
 * A service follows the events with its own durable consumers, and with each the requests to take its dead letters again;
 * it reads the letters that they name.
 */
const durableClient = (service: ServiceName): string[] => [
  ...durablesOf(service).flatMap((name) => [
    ...consumerClient(EVENT_STREAM, name),
    ackOf(EVENT_STREAM, name),
    ...consumerClient(REDRIVE_STREAM, name, `redrive.${service}.${name}.*`),
    ackOf(REDRIVE_STREAM, name),
  ]),
  ...(durablesOf(service).length > 0 ? [`$JS.API.STREAM.MSG.GET.${DEAD_LETTER_STREAM}`] : []),
]

/** What is in the stream is compared with the outbox, by a consumer that acknowledges nothing. */
const republishClient = (service: ServiceName): string[] => {
  const name = republishConsumer(service)
  return [
    ...consumerClient(EVENT_STREAM, name, `evt.${service}.>`),
    `$JS.API.CONSUMER.DELETE.${EVENT_STREAM}.${name}`,
  ]
}

/** A service announces only its own facts and dead letters, and may follow everybody's. */
export const servicePermissions = (service: ServiceName): Permissions => ({
  publish: {
    allow: [
      `evt.${service}.>`,
      `dlq.${service}.>`,
      ...JETSTREAM_CLIENT,
      ...durableClient(service),
      ...(service === 'notifications' ? [...KEY_VALUE_CLIENT, ...WEBHOOKS_CLIENT] : republishClient(service)),
      ...(service === REDRIVES ? ['redrive.>'] : []),
    ],
  },
  subscribe: { allow: [inboxOf(service)] },
})

/** The gateway reads along, message by message and without a consumer. */
export const GATEWAY_PERMISSIONS: Permissions = {
  publish: { allow: [...JETSTREAM_CLIENT, `$JS.API.STREAM.MSG.GET.${EVENT_STREAM}`] },
  subscribe: { allow: [inboxOf('gateway')] },
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
