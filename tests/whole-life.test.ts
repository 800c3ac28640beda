import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { Order } from '#contracts/http/orders.ts'
import type { Problem } from '#contracts/schemas.ts'
import { orderWorkflowId } from '#contracts/workflows.ts'
import { readProviderBooks } from '#stack/check/provider-books.ts'
import { BY_HAND_ADDRESS } from '#stack/demo/addresses.ts'
import { createApiClient, type ApiClient } from '#stack/demo/client.ts'
import { resetRun } from '#stack/demo/reset-run.ts'
import { listen } from './support/event-stream.ts'
import { hasBeen } from './support/in-time.ts'
import { reconcile } from './support/reconcile.ts'
import { openShop, orderOf, type Shop } from './support/shop.ts'

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
})

/** What is looked at of a return, an order or a problem. */
interface Answer {
  id: string
  code?: string
}

const PATIENCE = { timeout: 40_000, interval: 200 }

describe('a shortage', () => {
  it('waits for the customer, who waits for stock, and is served when it comes', async () => {
    const customer = await shop.customer()
    const operator = await shop.operator()
    const sku = await shop.product({ AMS: 1 })
    const { id } = await customer.placeOrder(orderOf({ lines: [{ sku, quantity: 3 }], onShortage: 'ask' }))
    const asked = await shop.until(customer, id, ({ waitingFor }) => waitingFor?.what === 'shortage_decision')
    expect([asked.status, asked.actions]).toEqual(['awaiting_customer', ['cancel', 'decide']])
    const unsure = await customer.post<Problem>(`/api/v1/orders/${id}/amendments`, {
      lines: [{ sku, quantity: 1 }],
    })
    expect([unsure.status, unsure.body.code]).toEqual([409, 'order_not_amendable'])
    const refundOf = (orderId: string) =>
      operator.post<Problem>(`/api/v1/orders/${orderId}/refunds`, { reason: 'too early' })
    expect((await refundOf(id)).body.code).toBe('payment_not_captured')
    expect((await refundOf(randomUUID())).body.code).toBe('not_found')
    const paymentsOf = async (client: ApiClient) => {
      const { status, body } = await client.send<{ data?: object[] }>('GET', `/api/v1/orders/${id}/payments`)
      return [status, body.data]
    }
    expect(await paymentsOf(customer)).toEqual([200, []])
    expect(await paymentsOf(await shop.customer())).toEqual([404, undefined])
    const early = await customer.post<Problem>(`/api/v1/orders/${id}/payment-method`, {
      paymentMethod: 'pm_card_visa',
    })
    expect(early.body.code).toBe('no_payment_method_waiting')
    await customer.command(`/api/v1/orders/${id}/decisions`, { decision: 'wait' })
    await shop.until(customer, id, ({ waitingFor }) => waitingFor?.what === 'stock')
    const late = await customer.post<Problem>(`/api/v1/orders/${id}/decisions`, { decision: 'cancel' })
    expect(late.body.code).toBe('no_decision_waiting')
    await operator.command(`/api/v1/stock/${sku}/adjustments`, {
      warehouse: 'LJU',
      delta: 2,
      reason: 'it has come',
    })
    await shop.reaches(customer, id, 'completed')
    await shop.shows(customer, id, { waitingFor: null, lines: [{ fulfilled: 3 }] })
    await shop.expectSound()
  })
})

describe('amendments', () => {
  /** To four, nine and two of five. Where the order was confirmed before any came that can be, another one is amended. */
  async function amendAtOnce(customer: ApiClient, tries = 5) {
    const sku = await shop.product({ AMS: 5 })
    const { id, total } = await customer.placeOrder(
      orderOf({ lines: [{ sku, quantity: 1 }], paymentMethod: 'pm_sandbox_slow' }),
    )
    const amend = (quantity: number) =>
      customer.post<Answer>(`/api/v1/orders/${id}/amendments`, { lines: [{ sku, quantity }] })
    const answers = await Promise.all([amend(4), amend(9), amend(2)])
    const [four, , two] = answers.map(({ body }) => body.code)
    const isLate = [four, two].every((code) => code === 'order_not_amendable')
    if (tries > 1 && isLate && (await hasBeen(shop, id, 'confirmed'))) return amendAtOnce(customer, tries - 1)
    return { id, sku, total, answers }
  }

  it('of the same moment take turns: each is the order as a whole or not at all', async () => {
    const customer = await shop.customer()
    const { id, sku, total, answers } = await amendAtOnce(customer)
    for (const { status, body } of answers) {
      expect([200, 202, 409], JSON.stringify(body)).toContain(status)
      if (status === 409) expect(['amendment_refused', 'order_not_amendable']).toContain(body.code)
    }
    await shop.reaches(customer, id, 'completed')
    const done = await shop.until(customer, id, (order) => order.payment.captured === order.total)
    // nine were never there, and never came before the customer's bank; what stands is one of those that could be, and everybody agrees on it
    const [{ quantity } = { quantity: 0 }] = done.lines
    expect([2, 4]).toContain(quantity)
    expect(done.total).toBeGreaterThan(total)
    await shop.untilStock(sku, { AMS: 5 - quantity })
    const nine = await customer.request<{ total: number }>('POST', '/api/v1/quotes', {
      body: { lines: [{ sku, quantity: 9 }], shippingAddress: orderOf().shippingAddress },
    })
    const books = [...readProviderBooks(await shop.sources.providerLedger()).values()]
    const authorized = books.filter(({ orderId }) => orderId === id).map((each) => each.authorized)
    // a lower total keeps the authorization of the higher one before it
    expect(Math.max(...authorized)).toBeGreaterThanOrEqual(done.total)
    expect(authorized).not.toContain(nine.total)
    const rows = await shop.rows<{ status: string; shipping_address: unknown }>(
      'orders',
      `SELECT status, shipping_address FROM amendments WHERE order_id = '${id}'`,
    )
    expect(rows.every(({ status, shipping_address: kept }) => status !== 'requested' && kept === null)).toBe(
      true,
    )
    const late = await customer.post<Problem>(`/api/v1/orders/${id}/amendments`, {
      lines: [{ sku, quantity: 1 }],
    })
    expect(late.body.code).toBe('order_not_amendable')
    await shop.expectSound()
  })
})

describe('returns', () => {
  it('give everything back in the end, and nothing twice', async () => {
    const [customer, operator] = [await shop.customer(), await shop.operator()]
    const sku = await shop.product({ AMS: 3 })
    const { id } = await customer.placeOrder(orderOf({ lines: [{ sku, quantity: 3 }] }))
    const done = await shop.reaches(customer, id, 'completed')
    await shop.until(customer, id, ({ actions }) => actions.includes('return'))
    const ask = (quantity: number) =>
      customer.post<Answer>(`/api/v1/orders/${id}/returns`, {
        lines: [{ sku, quantity, reason: 'not mine' }],
      })
    const [one, two] = [await ask(1), await ask(2)]
    expect([one.status, two.status, (await ask(1)).body.code]).toEqual([201, 201, 'return_exceeds_delivered'])
    const act = (returnId: string, name: string, body = {}) =>
      operator.post<Answer>(`/api/v1/returns/${returnId}/${name}`, body)
    const early = await act(one.body.id, 'receive', { warehouse: 'AMS', disposition: 'restock' })
    expect(early.body.code).toBe('return_transition_refused')
    for (const [{ body }, disposition] of [
      [one, 'restock'],
      [two, 'write_off'],
    ] as const) {
      expect((await act(body.id, 'approve')).status).toBe(202)
      expect((await act(body.id, 'approve')).body.code).toBe('return_transition_refused')
      expect((await act(body.id, 'receive', { warehouse: 'AMS', disposition })).status).toBe(202)
    }
    // the money is heard of from payments, the end of a return from its workflow: in either order
    const back = await shop.until(
      customer,
      id,
      ({ payment, returns }) =>
        payment.status === 'refunded' && returns.every(({ status }) => status === 'refunded'),
    )
    expect([back.payment.refunded, back.lines[0]?.returned, back.returns.length]).toEqual([done.total, 3, 2])
    await shop.untilStock(sku, { AMS: 1 })
    const refunds = (await shop.ledgerOf(id)).filter(({ type }) => type === 'refund')
    expect(refunds.map(({ amount }) => amount).reduce<number>((sum, amount) => sum + (amount ?? 0), 0)).toBe(
      done.total,
    )
    await shop.expectSound()
  })

  it('leave the shipping cost to the last parcel, with which it goes back when that is given up', async () => {
    const [customer, operator] = [await shop.customer(), await shop.operator()]
    const sku = await shop.product({ AMS: 2, LJU: 2 })
    const byHand = { lines: [{ sku, quantity: 3 }], shippingAddress: BY_HAND_ADDRESS }
    const { id } = await customer.placeOrder(orderOf(byHand))
    const areBooked = ({ shipments }: Order) =>
      shipments.filter(({ status }) => status === 'booked').length === 2
    const [first] = (await shop.until(customer, id, areBooked)).shipments
    await shop.moveParcel(first?.trackingNumber ?? '', 'dispatch')
    await shop.moveParcel(first?.trackingNumber ?? '', 'deliver')
    await shop.until(customer, id, ({ actions }) => actions.includes('return'))
    const lines = first!.lines.map((line) => ({ ...line, reason: 'not mine' }))
    const asked = await customer.command<Answer>(`/api/v1/orders/${id}/returns`, { lines })
    for (const [name, body] of [
      ['approve', {}],
      ['receive', { warehouse: 'AMS', disposition: 'restock' }],
    ] as const)
      await operator.command(`/api/v1/returns/${asked.id}/${name}`, body)
    const kept = await shop.until(customer, id, ({ returns, payment }) => {
      return returns[0]?.status === 'refunded' && payment.refunded === returns[0].refund
    })
    expect(kept.payment.captured).toBeGreaterThan(kept.payment.refunded)
    expect((await customer.post(`/api/v1/orders/${id}/cancel`)).status).toBe(202)
    const end = await shop.until(customer, id, ({ status, payment }) => {
      return status === 'completed' && payment.refunded === payment.captured
    })
    expect(end).toMatchObject({ statusReason: { code: 'partly_cancelled' }, payment: { status: 'refunded' } })
    expect(end.payment.captured).toBe(kept.payment.captured)
    await shop.expectSound()
  })
})

describe('watching an order', () => {
  it('shows its whole life as it happens, and goes on where it was', async () => {
    const [email, password] = [`${randomUUID()}@customers.test`, 'a long enough password']
    await shop.anonymous.send('POST', '/api/v1/users', { body: { email, password, name: 'Watcher' } })
    const { accessToken } = await shop.anonymous.request<{ accessToken: string }>(
      'POST',
      '/api/v1/auth/login',
      { body: { email, password } },
    )
    const customer = createApiClient(shop.gatewayUrl, accessToken)
    const { id } = await customer.placeOrder(orderOf())
    const authorization = `Bearer ${accessToken}`
    const url = `${shop.gatewayUrl}/api/v1/orders/${id}/events`
    const live = await listen(url, { authorization })
    await vi.waitFor(
      () => expect(live.events.map(({ data }) => data.name)).toContain('order.completed'),
      PATIENCE,
    )
    await vi.waitFor(async () => {
      const timeline = await customer.readTimeline(id)
      expect(live.events.map(({ data }) => JSON.stringify(data)).toSorted()).toEqual(
        timeline.map((entry) => JSON.stringify(entry)).toSorted(),
      )
    }, PATIENCE)
    const half = Math.floor(live.events.length / 2)
    const resumed = await listen(url, { authorization, lastEventId: live.events[half]!.id })
    await vi.waitFor(() => expect(resumed.events).toEqual(live.events.slice(half + 1)), PATIENCE)
    live.close()
    resumed.close()
    const stranger = await shop.customer()
    expect((await stranger.send('GET', `/api/v1/orders/${id}/events`)).status).toBe(404)
  })
})

describe('the reconciliation', () => {
  it('finds an order whose workflow was ended by hand, and puts it before the operators once', async () => {
    const [customer, operator] = [await shop.customer(), await shop.operator()]
    const { id } = await customer.placeOrder(orderOf({ paymentMethod: 'pm_card_authenticationRequired' }))
    await shop.until(customer, id, ({ waitingFor }) => waitingFor?.what === 'payment_action')
    const { temporal } = shop.sources
    await temporal.workflow.getHandle(orderWorkflowId(id)).terminate('by a test')
    await shop.rows(
      'orders',
      `UPDATE orders SET created_at = created_at - interval '1 hour' WHERE id = '${id}'`,
    )
    await reconcile(temporal)
    await reconcile(temporal)
    const { needsAttention } = await shop.until(customer, id, (order) => order.needsAttention)
    expect(needsAttention).toBe(true)
    const found = await shop.rows<{ payload: { kind: string; repaired: boolean } }>(
      'orders',
      `SELECT payload FROM outbox WHERE type = 'reconciliation.found' AND payload->>'orderId' = '${id}'`,
    )
    expect(found.map(({ payload }) => [payload.kind, payload.repaired])).toEqual([['workflow_stuck', false]])
    const resolved = await operator.post<Order>(`/api/v1/orders/${id}/operations`, {
      action: 'resolve',
      note: 'a test did it',
    })
    expect([resolved.status, resolved.body.needsAttention]).toEqual([202, false])
    await resetRun(temporal, orderWorkflowId(id), 'last')
    await customer.command(`/api/v1/orders/${id}/cancel`)
    await shop.reaches(customer, id, 'cancelled')
    await shop.expectSound()
  })
})
