/** A merchant's own server hears of an order, through the gateway, the broker's permissions and everything. */
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { CreatedWebhookEndpoint, WebhookAttempt } from '#contracts/http/notifications.ts'
import type { AnyDomainEvent } from '#contracts/events.ts'
import { verifyWebhook } from '#docs/webhooks/verify.ts'
import { openShop, orderOf, type Shop } from './support/shop.ts'
import { webhookReceiver } from './support/webhook-receiver.ts'

let shop: Shop
const { received, url } = webhookReceiver()
const PATIENCE = { timeout: 40_000, interval: 200 }

beforeAll(async () => {
  shop = await openShop()
})

describe("a merchant's webhooks", () => {
  it('tell the story of an order, each part once and signed', async () => {
    const [operator, customer] = [await shop.operator(), await shop.customer()]
    const body = { url: url('/hook'), events: ['order.*', 'shipment.dispatched'] }
    const made = await operator.send<CreatedWebhookEndpoint>('POST', '/api/v1/webhook-endpoints', { body })
    expect(made.status).toBe(201)
    const { id, secret } = made.body

    const sku = await shop.product({ AMS: 2 })
    const placed = await customer.placeOrder(orderOf({ lines: [{ sku, quantity: 1 }] }))
    await shop.reaches(customer, placed.id, 'completed')
    const ofOrder = () =>
      received.filter(({ body: text }) => {
        const { payload } = JSON.parse(text) as AnyDomainEvent
        return 'orderId' in payload && payload.orderId === placed.id
      })
    /** By webhook id: what the merchant was slow to take comes again. */
    const types = () =>
      [...new Map(ofOrder().map(({ headers, body: text }) => [headers['webhook-id'], text])).values()]
        .map((text) => (JSON.parse(text) as AnyDomainEvent).eventType)
        .toSorted()
    // a parcel's events overtake its order's, and a delivery that failed comes seconds later
    await vi.waitFor(
      () =>
        expect(types()).toEqual([
          'order.authorizing',
          'order.completed',
          'order.confirmed',
          'order.created',
          'order.fulfilling',
          'order.reserving',
          'shipment.dispatched',
        ]),
      PATIENCE,
    )
    expect(ofOrder().every(({ headers, body: text }) => verifyWebhook(secret, headers, text))).toBe(true)

    await vi.waitFor(async () => {
      const answer = await operator.send('GET', `/api/v1/webhook-endpoints/${id}/attempts?limit=100`)
      const { data } = answer.body as { data: WebhookAttempt[] }
      const tried = new Set(data.map(({ eventId }) => eventId))
      expect(ofOrder().every(({ headers }) => tried.has(String(headers['webhook-id'])))).toBe(true)
    }, PATIENCE)
    expect((await operator.send('DELETE', `/api/v1/webhook-endpoints/${id}`)).status).toBe(204)
    expect((await operator.send('GET', `/api/v1/webhook-endpoints/${id}/attempts`)).status).toBe(404)
  })

  it("are no customer's business", async () => {
    const customer = await shop.customer()
    const body = { url: 'https://example.com/' }
    const answer = await customer.send('POST', '/api/v1/webhook-endpoints', { body })
    expect([answer.status, answer.body]).toEqual([403, expect.objectContaining({ code: 'forbidden' })])
  })
})
