/** A shipping database and the sandbox's carrier for one test file, and ways to look into both. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Environment } from '#platform/config.ts'
import type { Sql } from '#platform/database.ts'
import { createUnitOfWork, type UnitOfWork } from '#platform/events/outbox.ts'
import { createLogger, type Logger } from '#platform/logger.ts'
import { startCarrier } from '#sandbox/carrier/main.ts'
import type { NewShipment } from '#services/shipping/book-shipment.ts'
import type { Carrier, CarrierOptions } from '#services/shipping/carriers/carrier.ts'
import { loadCarrier } from '#services/shipping/carriers/load.ts'
import { openDatabase, type ShippingDatabase } from '#services/shipping/store.ts'
import { closeWithFile } from './closing.ts'
import { freshDatabase } from './database.ts'

export { startReceiver } from '#sandbox/shared/test-support.ts'

export const CARRIER_KEY = 'carrier-test-key'
export const WEBHOOK_SECRET = 'carrier-webhook-test-secret'
export const silentLogger: Logger = createLogger({ service: 'test', level: 'silent' })

const HAND_MOVES = { dispatched: 'dispatch', delivered: 'deliver', lost: 'lose' } as const

/** Moves a parcel by hand, as the outside world would. */
export type Advance = (booking: { trackingNumber: string }, status: keyof typeof HAND_MOVES) => Promise<void>

export interface SandboxCarrier {
  options: CarrierOptions
  advance: Advance
  stop(): Promise<void>
}

/** The sandbox's carrier on a free port, whose parcels move by hand only; `environment` adds to its configuration. */
export async function startSandboxCarrier(environment: Environment = {}): Promise<SandboxCarrier> {
  const folder = await mkdtemp(path.join(tmpdir(), 'mainstay-carrier-'))
  const running = await startCarrier(
    {
      CARRIER_PORT: '0',
      CARRIER_API_KEY: CARRIER_KEY,
      CARRIER_LEDGER: path.join(folder, 'carrier.jsonl'),
      CARRIER_DISPATCH_MS: 'manual',
      CARRIER_DELIVERY_MS: 'manual',
      ...environment,
    },
    silentLogger,
  )
  return {
    options: {
      url: running.url,
      apiKey: CARRIER_KEY,
      webhookSecret: WEBHOOK_SECRET,
      timeoutMs: 5_000,
      logger: silentLogger,
    },
    async advance({ trackingNumber }, status) {
      const answer = await fetch(`${running.url}/parcels/${trackingNumber}/${HAND_MOVES[status]}`, {
        method: 'POST',
      })
      if (!answer.ok) throw new Error(`the parcel was not moved: ${await answer.text()}`)
    },
    async stop() {
      await running.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** The sandbox's carrier for one test file. */
export async function testCarrier(): Promise<SandboxCarrier> {
  const carrier = await startSandboxCarrier()
  closeWithFile(() => carrier.stop())
  return carrier
}

export interface TestShipping {
  database: ShippingDatabase
  transact: UnitOfWork<Sql>
  carrier: Carrier
  /** Moves the parcel of a booking by hand. */
  advance: (bookingId: string, status: keyof typeof HAND_MOVES) => Promise<void>
  /** The shipment's events in the outbox, in order: `[version, type]`. */
  events(shipmentId: string): Promise<[number, string][]>
  /** `[status, bookingId, unsettled]` */
  state(shipmentId: string): Promise<[string, string | null, boolean] | undefined>
  /** The history's statuses in order. */
  history(shipmentId: string): Promise<string[]>
  /** Everything stored, as text. */
  dump(): Promise<string>
}

export async function testShipping(poolSize = 10): Promise<TestShipping> {
  const database = openDatabase(await freshDatabase('shipping'), poolSize)
  closeWithFile(() => database.$disconnect())
  const { options, advance } = await testCarrier()
  const carrier = await loadCarrier('sandbox', options)
  return {
    database,
    transact: createUnitOfWork(database, () => {}),
    carrier,
    advance: async (bookingId, status) => advance(await carrier.read(bookingId), status),
    async events(aggregateId) {
      const rows = await database.outbox.findMany({ where: { aggregateId }, orderBy: { id: 'asc' } })
      return rows.map(({ version, type }) => [version, type])
    },
    async state(id) {
      const row = await database.shipment.findUnique({ where: { id } })
      return row === null ? undefined : [row.status, row.bookingId, row.unsettled]
    },
    async history(shipmentId) {
      const rows = await database.shipmentMove.findMany({
        where: { shipmentId },
        orderBy: { position: 'asc' },
      })
      return rows.map(({ status }) => status)
    },
    async dump() {
      const tables = await Promise.all([
        database.$queryRaw`SELECT row_to_json(shipments) FROM shipments`,
        database.$queryRaw`SELECT row_to_json(shipment_history) FROM shipment_history`,
        database.$queryRaw`SELECT row_to_json(outbox) FROM outbox`,
      ])
      return JSON.stringify(tables)
    },
  }
}

/** A shipment to be booked; its address has words that must not be found anywhere. */
export const newShipment = (changes: Partial<NewShipment> = {}): NewShipment => ({
  shipmentId: randomUUID(),
  orderId: randomUUID(),
  customerId: randomUUID(),
  warehouse: 'AMS',
  lines: [{ sku: 'TEE-BLACK-M', quantity: 2 }],
  address: {
    name: 'Ada Lovelace',
    line1: 'Keizersgracht 1',
    city: 'Amsterdam',
    postalCode: '1015 AA',
    country: 'NL',
  },
  ...changes,
})
