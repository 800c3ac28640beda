/** An orders database for one test file: the orders service's own tests use it, and those of the consistency kit. */
import { randomUUID } from 'node:crypto'
import type { Order, PlaceOrderBody } from '#contracts/http/orders.ts'
import { createUnitOfWork, type UnitOfWork } from '#platform/events/outbox.ts'
import { once } from '#platform/idempotency.ts'
import { createLogger, type Logger } from '#platform/logger.ts'
import { createPlaceOrder } from '#services/orders/place-order.ts'
import { taxPolicy } from '#services/orders/pricing/tax/policies/country-table.ts'
import { shippingRates } from '#services/orders/pricing/shipping/rates/by-weight.ts'
import type { Pricing } from '#services/orders/pricing/total-order.ts'
import { openDatabase, type OrdersDatabase, type OrdersTransaction } from '#services/orders/store.ts'
import { closeWithFile } from './closing.ts'
import { freshDatabase } from './database.ts'

export const silentLogger: Logger = createLogger({ service: 'test', level: 'silent' })

export interface TestOrders {
  url: string
  database: OrdersDatabase
  transact: UnitOfWork<OrdersTransaction>
  /** What the service prices with, unless it is configured otherwise. */
  pricing: Pricing
  /** Places an order through the use case. */
  place(customerId?: string, changes?: Partial<PlaceOrderBody>): Promise<Order>
  /** The aggregate's events in the outbox, in order: `[version, type]`. */
  events(aggregateId: string): Promise<[number, string][]>
  /** How many rows each table has. */
  counts(): Promise<Record<string, number>>
}

/** For a service that tests make up: a database of its own connections to `TestOrders.url`. */
export const openOrders = openDatabase

export const ADDRESS = {
  name: 'Ada Lovelace',
  line1: 'Keizersgracht 1',
  city: 'Amsterdam',
  postalCode: '1015 AA',
  country: 'NL',
}

/** Three products in euros, one in yen, one not for sale. */
const CATALOG = [
  { sku: 'TEE', name: 'T-shirt', price: 1_990n, currency: 'EUR', taxClass: 'standard', weightGrams: 200 },
  { sku: 'BOOK', name: 'A book', price: 1_005n, currency: 'EUR', taxClass: 'reduced', weightGrams: 400 },
  {
    sku: 'CASTLE',
    name: 'A castle',
    price: 1_000_000_000n,
    currency: 'EUR',
    taxClass: 'zero',
    weightGrams: 0,
  },
  { sku: 'YEN', name: 'A fan', price: 500n, currency: 'JPY', taxClass: 'standard', weightGrams: 100 },
].map((product) => ({ ...product, active: true }))

export async function testOrders(poolSize = 10): Promise<TestOrders> {
  const url = await freshDatabase('orders')
  const database = openDatabase(url, poolSize)
  closeWithFile(() => database.$disconnect())
  const transact = createUnitOfWork(database, () => {})
  await database.catalogProduct.createMany({
    data: [...CATALOG, { ...CATALOG[0]!, sku: 'OLD', name: 'An old shirt', active: false }],
  })
  const pricing = { tax: taxPolicy, shipping: shippingRates }
  const placeOrder = createPlaceOrder({ database, transact, pricing })
  return {
    url,
    database,
    transact,
    pricing,
    async place(customerId = randomUUID(), changes = {}) {
      const body = orderBody(changes)
      const command = { caller: customerId, key: randomUUID(), method: 'POST', route: '/orders', body }
      const answer = await once(database, command, async (finish) => ({
        status: 201,
        body: await placeOrder({ customerId, body, requestId: randomUUID(), finish }),
      }))
      return answer.body
    },
    async events(aggregateId) {
      const rows = await database.outbox.findMany({ where: { aggregateId }, orderBy: { id: 'asc' } })
      return rows.map(({ version, type }) => [version, type])
    },
    counts: async () => ({
      orders: await database.order.count(),
      lines: await database.orderLine.count(),
      events: await database.outbox.count(),
      starts: await database.workflowStart.count(),
      timeline: await database.timelineEntry.count(),
      keys: await database.idempotencyKey.count(),
    }),
  }
}

export const orderBody = (changes: Partial<PlaceOrderBody> = {}): PlaceOrderBody => ({
  lines: [{ sku: 'TEE', quantity: 2 }],
  shippingAddress: ADDRESS,
  paymentMethod: 'pm_card_visa',
  ...changes,
})
