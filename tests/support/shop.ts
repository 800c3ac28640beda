/** A shop to test in: new customers, operators, orders, and a look into every database and the provider's ledger. */
import { randomUUID } from 'node:crypto'
import type { QueryResultRow } from 'pg'
import Type from 'typebox'
import { expect, vi } from 'vitest'
import type { Order, PlaceOrderBody } from '#contracts/http/orders.ts'
import type { DatabaseName, Ports } from '#contracts/services.ts'
import { isTerminal, ORDER, type OrderStatus } from '#contracts/states.ts'
import { parser } from '#platform/validation.ts'
import { check } from '#stack/check/check.ts'
import { openSources, type ProviderEntry, type Sources } from '#stack/check/sources.ts'
import { createApiClient, signIn, type ApiClient } from '#stack/demo/client.ts'
import { createOutside, type Outside } from '#stack/demo/outside.ts'
import { closeWithFile } from './closing.ts'
import { ourStack, type TestStack } from './test-stack.ts'

export const ADDRESS: PlaceOrderBody['shippingAddress'] = {
  name: 'Test Customer',
  line1: 'Teststraat 1',
  city: 'Amsterdam',
  postalCode: '1011 AA',
  country: 'NL',
}

/** An order of one mug unless told otherwise. */
export const orderOf = (change: Partial<PlaceOrderBody> = {}): PlaceOrderBody => ({
  lines: [{ sku: 'MUG-WHITE', quantity: 1 }],
  shippingAddress: ADDRESS,
  paymentMethod: 'pm_card_visa',
  ...change,
})

const MONEY = ['authorization', 'authentication', 'capture', 'void', 'refund', 'refusal']

const parseMails = parser(
  'the mailbox',
  Type.Object({ messages: Type.Array(Type.Object({ subject: Type.String() })) }),
)

const parseCarrierLedger = parser(
  "the carrier's ledger",
  Type.Object({
    data: Type.Array(Type.Object({ type: Type.String(), status: Type.Optional(Type.String()) })),
  }),
)

const PATIENCE = { timeout: 40_000, interval: 100 }
/** Seldom enough for the customer's limit. */
const PATIENCE_OF_A_CUSTOMER = { ...PATIENCE, interval: 200 }

export interface StockRow {
  warehouse: string
  on_hand: number
  held: number
  committed: number
}

/** As `stockOf` answers where nothing is promised. */
export const stockRows = (onHand: Record<string, number>): StockRow[] =>
  Object.entries(onHand).map(([warehouse, units]) => ({
    warehouse,
    on_hand: units,
    held: 0,
    committed: 0,
  }))

const hasEnded = (status: OrderStatus): boolean => isTerminal(ORDER, status)

export interface Shop {
  gatewayUrl: string
  ports: Ports
  sources: Sources
  anonymous: ApiClient
  /** A customer who has just registered. */
  customer(): Promise<ApiClient>
  operator(): Promise<ApiClient>
  courier(): Promise<ApiClient>
  /** Waits until an order has this status. */
  reaches(client: ApiClient, id: string, status: OrderStatus): Promise<Order>
  /** Waits until an order is as `seen` says, in the eyes of this client. */
  until(client: ApiClient, id: string, seen: (order: Order) => boolean): Promise<Order>
  /** Waits until this client sees all this of an order: what it is told by events comes a moment after its status. */
  shows(client: ApiClient, id: string, part: object): Promise<Order>
  /** Waits until an order has ended, however. */
  ends(client: ApiClient, id: string): Promise<Order>
  /** Waits until an order asks for another payment method, and offers it this one: until it does not ask any more. */
  insists(client: ApiClient, id: string, paymentMethod: string): Promise<Order>
  /** Waits until an order asks for an operator. */
  needsAttention(id: string): Promise<void>
  /** A new product for 10.00 EUR and 100 g, with this much stock by warehouse; it can be ordered when this resolves. */
  product(stock: Record<string, number>, operator?: ApiClient): Promise<string>
  stockOf(sku: string): Promise<StockRow[]>
  /** Waits until nothing of a product is promised, and exactly this is on hand by warehouse. */
  untilStock(sku: string, onHand: Record<string, number>): Promise<void>
  /** What the provider did with one order's money. */
  ledgerOf(orderId: string): Promise<ProviderEntry[]>
  rows<Row extends QueryResultRow>(database: DatabaseName, sql: string): Promise<Row[]>
  /** Subjects of the mails that an address got. */
  mailsTo(email: string): Promise<string[]>
  /** What the carrier did with one shipment: `booking`, then where it moved. */
  carrierLedgerOf(shipmentId: string): Promise<string[]>
  /** Moves a parcel that goes to BY_HAND_ADDRESS. */
  moveParcel: Outside['moveParcel']
  /** Takes the simulated carrier away, and brings it back. */
  carrierFault(path: '/faults' | '/faults/clear', body?: unknown): Promise<void>
  /** Commands to the simulated payment provider. */
  providerFault(path: '/faults' | '/faults/clear', body?: unknown): Promise<void>
  /** Expects every invariant to hold. */
  expectSound(options?: { settled?: boolean }): Promise<void>
}

export type OpenedStack = Pick<TestStack, 'gatewayUrl' | 'ports' | 'target'>

/** Opens the shop of the stack that the global setup started, or of another one; closed after the file. */
export async function openShop(stack: OpenedStack = ourStack()): Promise<Shop> {
  const { gatewayUrl, ports, target } = stack
  const sources = await openSources(target)
  closeWithFile(() => sources.close())
  // read from the table, since polling the API would use the customer's limit up
  const stateOf = async (id: string): Promise<{ status: OrderStatus; waits: string }> => {
    const [row] = await sources.query<{ status: OrderStatus; waits: string }>(
      'orders',
      `SELECT status, concat('waits for ', waiting_for, attention) AS waits FROM orders WHERE id = '${id}'`,
    )
    return row ?? { status: 'placed', waits: '' }
  }
  const stockOf = (sku: string): Promise<StockRow[]> =>
    sources.query(
      'inventory',
      `SELECT warehouse, on_hand, held, committed FROM stock WHERE sku = '${sku}' ORDER BY warehouse`,
    )
  return {
    gatewayUrl,
    ports,
    sources,
    anonymous: createApiClient(gatewayUrl),
    customer: () => newCustomer(gatewayUrl),
    operator: () => signIn(gatewayUrl, 'operator@mainstay.test'),
    courier: () => signIn(gatewayUrl, 'courier@mainstay.test'),
    async reaches(client, id, status) {
      await vi.waitFor(async () => {
        const state = await stateOf(id)
        expect(state.status, state.waits).toBe(status)
      }, PATIENCE)
      return client.readOrder(id)
    },
    until: (client, id, seen) =>
      vi.waitFor(async () => {
        const order = await client.readOrder(id)
        expect(seen(order), JSON.stringify(order)).toBe(true)
        return order
      }, PATIENCE_OF_A_CUSTOMER),
    shows: (client, id, part) =>
      vi.waitFor(async () => {
        const order = await client.readOrder(id)
        expect(order).toMatchObject(part)
        return order
      }, PATIENCE_OF_A_CUSTOMER),
    async ends(client, id) {
      await vi.waitFor(async () => {
        const state = await stateOf(id)
        expect(state.status, state.waits).toSatisfy(hasEnded)
      }, PATIENCE)
      return client.readOrder(id)
    },
    async insists(client, id, paymentMethod) {
      for (;;) {
        await vi.waitFor(
          async () =>
            expect((await stateOf(id)).status).toSatisfy(
              (now) => hasEnded(now) || now === 'awaiting_customer',
            ),
          PATIENCE,
        )
        const order = await client.readOrder(id)
        if (order.waitingFor?.what !== 'payment_method') return order
        const { status } = await client.post(`/api/v1/orders/${id}/payment-method`, { paymentMethod })
        expect(status).toBe(202)
        await vi.waitFor(
          async () => expect((await client.readOrder(id)).version).toBeGreaterThan(order.version),
          PATIENCE_OF_A_CUSTOMER,
        )
      }
    },
    async needsAttention(id) {
      await vi.waitFor(async () => {
        expect(
          await sources.query('orders', `SELECT 1 FROM orders WHERE id = '${id}' AND attention IS NOT NULL`),
        ).toHaveLength(1)
      }, PATIENCE)
    },
    async product(stock, by) {
      const operator = by ?? (await signIn(gatewayUrl, 'operator@mainstay.test'))
      const sku = `T-${randomUUID().slice(0, 8).toUpperCase()}`
      const body = {
        name: 'Test thing',
        price: 1000,
        currency: 'EUR',
        taxClass: 'standard',
        weightGrams: 100,
      }
      expect((await operator.send('PUT', `/api/v1/products/${sku}`, { body })).status).toBe(201)
      for (const [warehouse, delta] of Object.entries(stock)) {
        const adjustment = { warehouse, delta, reason: 'for a test' }
        expect((await operator.post(`/api/v1/stock/${sku}/adjustments`, adjustment)).status).toBe(201)
      }
      await vi.waitFor(async () => {
        expect(
          await sources.query('orders', `SELECT 1 FROM catalog_products WHERE sku = '${sku}'`),
        ).toHaveLength(1)
      }, PATIENCE)
      return sku
    },
    stockOf,
    untilStock: (sku, onHand) =>
      vi.waitFor(async () => expect(await stockOf(sku)).toEqual(stockRows(onHand)), PATIENCE),
    ledgerOf: async (orderId) =>
      (await sources.providerLedger()).filter(
        ({ type, reference }) => MONEY.includes(type) && reference?.startsWith(orderId) === true,
      ),
    async carrierLedgerOf(shipmentId) {
      const response = await fetch(`http://127.0.0.1:${ports.carrier}/ledger?reference=${shipmentId}`)
      const { data } = parseCarrierLedger(await response.json())
      return data.filter(({ type }) => type !== 'webhook').map(({ type, status }) => status ?? type)
    },
    moveParcel: createOutside(ports).moveParcel,
    rows: (database, sql) => sources.query(database, sql),
    async mailsTo(email) {
      const response = await fetch(
        `http://127.0.0.1:${ports.mailbox}/api/messages?to=${encodeURIComponent(email)}`,
      )
      return parseMails(await response.json()).messages.map(({ subject }) => subject)
    },
    async carrierFault(path, body = {}) {
      const response = await fetch(`http://127.0.0.1:${ports.carrier}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      expect(response.status, await response.text()).toBeLessThan(300)
    },
    async providerFault(path, body = {}) {
      const response = await fetch(`${target.providerUrl}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${target.providerApiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
      expect(response.status, await response.text()).toBeLessThan(300)
    },
    async expectSound(options) {
      expect(await check(target, options)).toEqual([])
    },
  }
}

export async function newCustomer(gatewayUrl: string): Promise<ApiClient> {
  const email = `${randomUUID()}@customers.test`
  const password = 'a long enough password'
  const { status } = await createApiClient(gatewayUrl).send('POST', '/api/v1/users', {
    body: { email, password, name: 'Test Customer' },
  })
  expect(status).toBe(201)
  return signIn(gatewayUrl, email, password)
}
