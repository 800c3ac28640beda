/** What the load needs of a stack: products that never run out and customers who may buy them. */
import { randomUUID } from 'node:crypto'
import type { PlaceOrderBody } from '#contracts/http/orders.ts'
import { createApiClient, signIn, type ApiAnswer, type ApiClient } from '#stack/demo/client.ts'
import type { OrderProgress } from './order-progress.ts'

const PRODUCTS = 8
const CUSTOMERS = 8
const STOCK = 1_000_000
const PASSWORD = 'a password for the benchmark'
/** Half an access token's life. */
const TOKENS_LAST_MS = 5 * 60_000

export interface Shop {
  /** Customers whose tokens are good for some minutes. */
  customers(): Promise<ApiClient[]>
  /** The n-th order: two lines, one of each of two products, all in one warehouse: one parcel. */
  order(index: number): PlaceOrderBody
}

export async function openShop(gatewayUrl: string, progress: OrderProgress): Promise<Shop> {
  const operator = await signIn(gatewayUrl, 'operator@mainstay.test')
  const skus = Array.from({ length: PRODUCTS }, (_, index) => `BENCH-${index}`)
  for (const [index, sku] of skus.entries()) {
    const product = {
      name: `Benchmark thing ${index}`,
      price: 1_000 + index,
      currency: 'EUR',
      taxClass: 'standard',
      weightGrams: 100,
    }
    expectSuccess(await operator.send('PUT', `/api/v1/products/${sku}`, { body: product }))
    const adjustment = {
      body: { warehouse: 'AMS', delta: STOCK, reason: 'for the benchmark' },
      headers: { 'idempotency-key': sku },
    }
    expectSuccess(await operator.send('POST', `/api/v1/stock/${sku}/adjustments`, adjustment))
  }
  await progress.catalogKnows(skus)

  const emails = Array.from({ length: CUSTOMERS }, () => `${randomUUID()}@customers.test`)
  for (const email of emails) {
    const body = { email, password: PASSWORD, name: 'Benchmark Customer' }
    expectSuccess(await createApiClient(gatewayUrl).send('POST', '/api/v1/users', { body }))
  }
  let signedIn: { at: number; clients: ApiClient[] } | undefined

  return {
    async customers() {
      if (signedIn === undefined || performance.now() - signedIn.at > TOKENS_LAST_MS) {
        const clients = await Promise.all(emails.map((email) => signIn(gatewayUrl, email, PASSWORD)))
        signedIn = { at: performance.now(), clients }
      }
      return signedIn.clients
    },
    order: (index) => ({
      lines: [index % PRODUCTS, (index + 3) % PRODUCTS].map((product) => ({
        sku: `BENCH-${product}`,
        quantity: 1,
      })),
      shippingAddress: {
        name: 'Benchmark Customer',
        line1: 'Prinsengracht 1',
        city: 'Amsterdam',
        postalCode: '1015 DK',
        country: 'NL',
      },
      paymentMethod: 'pm_card_visa',
    }),
  }
}

function expectSuccess({ status, body }: ApiAnswer<unknown>): void {
  if (status >= 400) throw new Error(`the shop could not be set up: ${status} ${JSON.stringify(body)}`)
}
