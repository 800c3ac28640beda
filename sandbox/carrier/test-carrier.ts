import type { Environment } from '#platform/config.ts'
import { createLogger } from '#platform/logger.ts'
import { API_KEY, createTestClient, temporaryFolder } from '../shared/test-support.ts'
import { startCarrier } from './main.ts'

export const ADDRESS = {
  name: 'Ana Novak',
  line1: 'Trubarjeva 7',
  city: 'Ljubljana',
  postalCode: '1000',
  country: 'SI',
}

/** The body of a booking, with what a test changes. */
export const booking = (changed: object = {}) => ({
  reference: 'shipment-1',
  warehouse: 'LJU',
  lines: [{ sku: 'TEE-BLACK-M', quantity: 2 }],
  address: ADDRESS,
  ...changed,
})

/** Parcels move only when they are told to. */
export const MANUAL = { CARRIER_DISPATCH_MS: 'manual', CARRIER_DELIVERY_MS: 'manual' }

/** Carriers of one test on free ports, one after the other on the same ledger. */
export function createTestCarriers() {
  const folder = temporaryFolder()
  const ledger = folder.file('carrier.jsonl')
  const logged: string[] = []
  const ended: (() => Promise<void>)[] = []
  const logger = createLogger({
    service: 'test',
    level: 'trace',
    destination: { write: (line) => logged.push(line) },
  })
  return {
    ledger,
    /** Every line that was logged. */
    logged,
    async start(environment: Environment = MANUAL) {
      const carrier = await startCarrier(
        { CARRIER_PORT: '0', CARRIER_API_KEY: API_KEY, CARRIER_LEDGER: ledger, ...environment },
        logger,
      )
      ended.push(() => carrier.stop())
      const client = createTestClient(carrier.url)
      return {
        ...client,
        url: carrier.url,
        stop: () => carrier.stop(),
        book: (changed: object = {}, key?: string) => client.post('/v1/bookings', booking(changed), key),
        async advance(id: string, move: 'dispatch' | 'deliver' | 'lose') {
          const { trackingNumber } = (await client.get(`/v1/bookings/${id}`)).body
          return client.post(`/parcels/${trackingNumber}/${move}`)
        },
        cancel: (id: string) => client.post(`/v1/bookings/${id}/cancel`),
        read: async (id: string) => (await client.get(`/v1/bookings/${id}`)).body,
      }
    },
    /** What else the test has to take away, the last one first. */
    atEnd: (end: () => Promise<void>) => void ended.push(end),
    async end(): Promise<void> {
      for (const end of ended.splice(0).toReversed()) await end()
      folder.remove()
    },
  }
}

export type TestCarriers = ReturnType<typeof createTestCarriers>
