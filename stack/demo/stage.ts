/** Where a scenario is played: people who are signed in, a product of its own, an order that is followed, and a verdict. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { PlaceOrderBody } from '#contracts/http/orders.ts'
import type { StockLevel } from '#contracts/http/inventory.ts'
import { formatMoney } from '#contracts/money.ts'
import type { Ports } from '#contracts/services.ts'
import { ApiError, createApiClient, SEED_PASSWORD, signIn, type ApiClient } from './client.ts'
import { createOutside, type Outside } from './outside.ts'
import { DEMO_ADDRESS } from './addresses.ts'
import { followOrder, type FollowedOrder } from './story.ts'

export interface StageOptions {
  ports: Ports
  print: (line: string) => void
  /** Whose orders these are: a customer who registers for it, unless told otherwise. */
  customer?: string
}

/** What can be expected, and said in words. */
type Fact = string | number | boolean | undefined | readonly string[]

export interface Stage {
  customer: ApiClient
  operator: ApiClient
  courier: ApiClient
  outside: Outside
  print(line: string): void
  /** Puts a product of 20.00 EUR and 500 g on sale, with this much stock by warehouse, and answers its SKU. */
  product(name: string, stock: Record<string, number>): Promise<string>
  /** A delivery comes in at a warehouse. */
  receive(sku: string, warehouse: string, quantity: number): Promise<void>
  /** Places the customer's order; from then on it is told what happens to it. */
  place(order: Partial<PlaceOrderBody> & Pick<PlaceOrderBody, 'lines'>): Promise<FollowedOrder>
  /** `AMS 5, held 0, committed 0` for every warehouse that knows it. */
  stockOf(sku: string): Promise<string[]>
  /** Says how something is, and remembers when it is not as it should be. Waits for it a little: news travels. */
  expect<Value extends Fact>(what: string, read: () => Promise<Value> | Value, expected: Value): Promise<void>
  /** The orders that were placed. */
  readonly orders: readonly FollowedOrder[]
  /** What was not as it should be. */
  readonly failures: readonly string[]
  /** Follows the orders no longer, and takes the products off sale again. */
  close(): Promise<void>
}

const NEWS_TRAVELS_MS = 10_000
const RETRY_MS = 250

export async function openStage({ ports, print, customer: email }: StageOptions): Promise<Stage> {
  const gatewayUrl = `http://127.0.0.1:${ports.gateway}`
  const [customer, operator, courier] = await Promise.all([
    email === undefined ? newCustomer(gatewayUrl, print) : signIn(gatewayUrl, email),
    signIn(gatewayUrl, 'operator@mainstay.test'),
    signIn(gatewayUrl, 'courier@mainstay.test'),
  ])
  const skus: string[] = []
  const orders: FollowedOrder[] = []
  const failures: string[] = []

  const receive = (sku: string, warehouse: string, delta: number): Promise<void> =>
    operator.command(`/api/v1/stock/${sku}/adjustments`, { warehouse, delta, reason: 'for a demo' })

  return {
    customer,
    operator,
    courier,
    receive,
    outside: createOutside(ports),
    print,
    orders,
    failures,

    async product(name, stock) {
      const sku = `DEMO-${randomUUID().slice(0, 8).toUpperCase()}`
      const body = { name, price: 2_000, currency: 'EUR', taxClass: 'standard', weightGrams: 500 }
      await operator.request('PUT', `/api/v1/products/${sku}`, { body })
      skus.push(sku)
      for (const [warehouse, quantity] of Object.entries(stock)) await receive(sku, warehouse, quantity)
      await untilOnSale(customer, sku)
      return sku
    },

    async place(order) {
      const placed = await customer.placeOrder({
        shippingAddress: DEMO_ADDRESS,
        paymentMethod: 'pm_card_visa',
        ...order,
      })
      const goods = placed.lines.map(({ quantity, name }) => `${quantity} × ${name}`).join(', ')
      print(`${placed.number}: ${goods}, ${formatMoney(placed.total, placed.currency)} with tax and shipping`)
      const followed = followOrder({ client: customer, order: placed, print })
      orders.push(followed)
      return followed
    },

    async stockOf(sku) {
      const { warehouses } = await operator.request<StockLevel>('GET', `/api/v1/stock/${sku}`)
      return warehouses.map(
        ({ warehouse, onHand, held, committed }) =>
          `${warehouse} ${onHand}, held ${held}, committed ${committed}`,
      )
    },

    async expect(what, read, expected) {
      const wanted = inWords(expected)
      let found = inWords(await read())
      for (const end = Date.now() + NEWS_TRAVELS_MS; found !== wanted && Date.now() < end;) {
        await sleep(RETRY_MS)
        found = inWords(await read())
      }
      if (found === wanted) return print(`  ✔ ${what}: ${found}`)
      failures.push(`${what}: ${found}, expected ${wanted}`)
      print(`  ✘ ${what}: ${found}, expected ${wanted}`)
    },

    async close() {
      for (const order of orders) await order.leave()
      for (const sku of skus) await operator.request('DELETE', `/api/v1/products/${sku}`)
    },
  }
}

const inWords = (fact: Fact): string => {
  if (typeof fact === 'string') return fact
  if (typeof fact === 'object') return fact.length === 0 ? 'none' : fact.join('; ')
  return fact === undefined ? 'nothing' : String(fact)
}

async function newCustomer(gatewayUrl: string, print: StageOptions['print']): Promise<ApiClient> {
  const email = `demo-${randomUUID().slice(0, 8)}@customers.test`
  const body = { email, password: SEED_PASSWORD, name: 'Carla Customer' }
  await createApiClient(gatewayUrl).request('POST', '/api/v1/users', { body })
  print(`the customer is ${email}, password ${SEED_PASSWORD}`)
  return signIn(gatewayUrl, email)
}

/** The orders service hears of a new product by an event. */
async function untilOnSale(customer: ApiClient, sku: string): Promise<void> {
  const body = { lines: [{ sku, quantity: 1 }], shippingAddress: DEMO_ADDRESS }
  for (const end = Date.now() + NEWS_TRAVELS_MS; ;) {
    try {
      await customer.request('POST', '/api/v1/quotes', { body })
      return
    } catch (error) {
      if (!(error instanceof ApiError) || error.problem.status !== 422 || Date.now() > end) throw error
      await sleep(RETRY_MS)
    }
  }
}
