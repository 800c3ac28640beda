/** The processes of the platform: the one list that ports, task queues, URLs and health checks are derived from. */
export const SERVICE_NAMES = [
  'orders',
  'inventory',
  'payments',
  'shipping',
  'users',
  'notifications',
] as const

export type ServiceName = (typeof SERVICE_NAMES)[number]

/** Services that own a database (notifications is stateless). */
export const DATABASE_NAMES = ['orders', 'inventory', 'payments', 'shipping', 'users'] as const

export type DatabaseName = (typeof DATABASE_NAMES)[number]

/** Temporal task queues: one per service, named after it. */
export const TASK_QUEUES = {
  orders: 'orders',
  inventory: 'inventory',
  payments: 'payments',
  shipping: 'shipping',
  users: 'users',
} as const satisfies Partial<Record<ServiceName, string>>

/** Default ports; each is overridden by the environment variable `NAME_PORT` in capitals. */
export const DEFAULT_PORTS = {
  gateway: 8080,
  orders: 8081,
  inventory: 8082,
  payments: 8083,
  shipping: 8084,
  users: 8085,
  notifications: 8086,
  provider: 8090,
  carrier: 8091,
  temporal: 7233,
  temporalUi: 8233,
  nats: 4222,
  postgres: 5433,
  mailbox: 1080,
  smtp: 1025,
} as const

export type PortName = keyof typeof DEFAULT_PORTS

export type Ports = Record<PortName, number>

/** `temporalUi` → `TEMPORAL_UI_PORT`. */
export const portVariable = (name: PortName): string =>
  `${name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}_PORT`
