import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Order } from '#contracts/http/orders.ts'
import type { Problem } from '#contracts/schemas.ts'
import { ROUTES } from '#gateway/routes.ts'
import { openShop, orderOf, type Shop } from './support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})

/** What is looked at of a return or a refund. */
interface Answer {
  id: string
}

const key = () => ({ 'idempotency-key': randomUUID() })

describe('If-Match', () => {
  /** What a call needs besides, to get as far as the version. */
  const BODIES: Record<string, object> = {
    '/api/v1/products/:sku': {
      name: 'A thing',
      price: 100,
      currency: 'EUR',
      taxClass: 'standard',
      weightGrams: 1,
    },
    '/api/v1/orders/:id/decisions': { decision: 'wait' },
    '/api/v1/orders/:id/payment-method': { paymentMethod: 'pm_card_visa' },
    '/api/v1/orders/:id/amendments': { lines: [{ sku: 'MUG-WHITE', quantity: 1 }] },
    '/api/v1/orders/:id/operations': { action: 'retry', note: 'again' },
    '/api/v1/orders/:id/refunds': { amount: 100, reason: 'scratched' },
    '/api/v1/orders/:id/returns': { lines: [{ sku: 'MUG-WHITE', quantity: 1, reason: 'not mine' }] },
    '/api/v1/returns/:id/receive': { warehouse: 'AMS', disposition: 'restock' },
  }

  it('is 412 when it is stale, on every call that lists it; a refund that was answered stays answered', async () => {
    const [customer, operator] = [await shop.customer(), await shop.operator()]
    const sku = await shop.product({ AMS: 1 })
    const { id } = await customer.placeOrder(orderOf({ lines: [{ sku, quantity: 1 }] }))
    await shop.reaches(customer, id, 'completed')
    await shop.until(customer, id, ({ actions }) => actions.includes('return'))
    const back = await customer.command<Answer>(`/api/v1/orders/${id}/returns`, {
      lines: [{ sku, quantity: 1, reason: 'not mine' }],
    })
    const named = { order: id, return: back.id, product: sku }
    for (const { contract } of ROUTES) {
      const { method, url, access, ifMatch } = contract
      if (ifMatch === undefined) continue
      const client = access.includes('customer') ? customer : operator
      const { status, body } = await client.send<Problem>(method, url.replace(/:\w+/, named[ifMatch]), {
        ...(method === 'DELETE' ? {} : { body: BODIES[url] ?? {} }),
        headers: { 'if-match': '"999"', ...key() },
      })
      expect([method, url, status, body.code]).toEqual([method, url, 412, 'stale_version'])
    }

    const { headers } = await operator.send<Order>('GET', `/api/v1/orders/${id}`)
    const refund = () =>
      operator.send<Answer>('POST', `/api/v1/orders/${id}/refunds`, {
        body: BODIES['/api/v1/orders/:id/refunds'],
        headers: { 'if-match': headers.get('etag') ?? '', 'idempotency-key': `refund-${id}` },
      })
    const first = await refund()
    expect([first.status, first.headers.get('idempotency-replayed')]).toEqual([201, null])
    await shop.until(customer, id, ({ payment }) => payment.refunded === 100)
    const again = await refund()
    expect([again.status, again.body, again.headers.get('idempotency-replayed')]).toEqual([
      201,
      first.body,
      'true',
    ])
    await shop.expectSound()
  })
})
