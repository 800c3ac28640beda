import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import type { Order } from '#contracts/http/orders.ts'
import type { Problem } from '#contracts/schemas.ts'
import { orderWorkflowId } from '#contracts/workflows.ts'
import { createApiClient, type ApiClient } from '#stack/demo/client.ts'
import { listen } from './support/event-stream.ts'
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
const key = () => ({ 'idempotency-key': randomUUID() })
const until = (client: ApiClient, id: string, seen: (order: Order) => boolean): Promise<Order> =>
  vi.waitFor(async () => {
    const order = await client.readOrder(id)
    expect(seen(order), JSON.stringify(order)).toBe(true)
    return order
  }, PATIENCE)

describe('a shortage', () => {
  it('waits for the customer, who waits for stock, and is served when it comes', async () => {
    const customer = await shop.customer()
    const operator = await shop.operator()
    const sku = await shop.product({ AMS: 1 })
    const { id } = await customer.placeOrder(orderOf({ lines: [{ sku, quantity: 3 }], onShortage: 'ask' }))
    const asked = await until(customer, id, ({ waitingFor }) => waitingFor?.what === 'shortage_decision')
    expect([asked.status, asked.actions]).toEqual(['awaiting_customer', ['cancel', 'amend', 'decide']])
    const early = await customer.send<Problem>('POST', `/api/v1/orders/${id}/payment-method`, {
      body: { paymentMethod: 'pm_card_visa' },
    })
    expect(early.body.code).toBe('no_payment_method_waiting')
    await customer.command(`/api/v1/orders/${id}/decisions`, { decision: 'wait' })
    await until(customer, id, ({ waitingFor }) => waitingFor?.what === 'stock')
    const late = await customer.send<Problem>('POST', `/api/v1/orders/${id}/decisions`, {
      body: { decision: 'cancel' },
    })
    expect(late.body.code).toBe('no_decision_waiting')
    await operator.send('POST', `/api/v1/stock/${sku}/adjustments`, {
      body: { warehouse: 'LJU', delta: 2, reason: 'it has come' },
      headers: key(),
    })
    const done = await shop.reaches(customer, id, 'completed')
    expect([done.waitingFor, done.lines[0]?.fulfilled]).toEqual([null, 3])
    await shop.expectSound()
  })
})

describe('amendments', () => {
  it('of the same moment take turns: each is the order as a whole or not at all', async () => {
    const customer = await shop.customer()
    const sku = await shop.product({ AMS: 5 })
    const { id, total } = await customer.placeOrder(
      orderOf({ lines: [{ sku, quantity: 1 }], paymentMethod: 'pm_sandbox_slow' }),
    )
    const amend = (quantity: number) =>
      customer.send<Answer>('POST', `/api/v1/orders/${id}/amendments`, {
        body: { lines: [{ sku, quantity }] },
        headers: key(),
      })
    const answers = await Promise.all([amend(4), amend(9), amend(2)])
    for (const { status, body } of answers) {
      expect([200, 202, 409], JSON.stringify(body)).toContain(status)
      if (status === 409) expect(['amendment_refused', 'order_not_amendable']).toContain(body.code)
    }
    const done = await shop.reaches(customer, id, 'completed')
    // nine were never there; what stands is one of those that could be, and everybody agrees on it
    const [{ quantity } = { quantity: 0 }] = done.lines
    expect([2, 4]).toContain(quantity)
    expect([done.payment.captured, done.total > total]).toEqual([done.total, true])
    expect(await shop.stockOf(sku)).toEqual([
      { warehouse: 'AMS', on_hand: 5 - quantity, held: 0, committed: 0 },
    ])
    const rows = await shop.rows<{ status: string; shipping_address: unknown }>(
      'orders',
      `SELECT status, shipping_address FROM amendments WHERE order_id = '${id}'`,
    )
    expect(rows.every(({ status, shipping_address: kept }) => status !== 'requested' && kept === null)).toBe(
      true,
    )
    const late = await customer.send<Problem>('POST', `/api/v1/orders/${id}/amendments`, {
      body: { lines: [{ sku, quantity: 1 }] },
      headers: key(),
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
    await until(customer, id, ({ actions }) => actions.includes('return'))
    const ask = (quantity: number) =>
      customer.send<Answer>('POST', `/api/v1/orders/${id}/returns`, {
        body: { lines: [{ sku, quantity, reason: 'not mine' }] },
        headers: key(),
      })
    const [one, two] = [await ask(1), await ask(2)]
    expect([one.status, two.status, (await ask(1)).body.code]).toEqual([201, 201, 'return_exceeds_delivered'])
    const act = (returnId: string, name: string, body = {}) =>
      operator.send<Answer>('POST', `/api/v1/returns/${returnId}/${name}`, { body })
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
    const back = await until(customer, id, ({ payment }) => payment.status === 'refunded')
    expect([back.payment.refunded, back.lines[0]?.returned]).toEqual([done.total, 3])
    expect(back.returns.map(({ status }) => status)).toEqual(['refunded', 'refunded'])
    expect(await shop.stockOf(sku)).toEqual([{ warehouse: 'AMS', on_hand: 1, held: 0, committed: 0 }])
    const refunds = (await shop.ledgerOf(id)).filter(({ type }) => type === 'refund')
    expect(refunds.map(({ amount }) => amount).reduce<number>((sum, amount) => sum + (amount ?? 0), 0)).toBe(
      done.total,
    )
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
    await vi.waitFor(() => expect(resumed.events).toEqual(live.events.slice(half + 1)))
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
    await until(customer, id, ({ waitingFor }) => waitingFor?.what === 'payment_action')
    const { workflow, schedule } = shop.sources.temporal
    await workflow.getHandle(orderWorkflowId(id)).terminate('by a test')
    await shop.rows(
      'orders',
      `UPDATE orders SET created_at = created_at - interval '1 hour' WHERE id = '${id}'`,
    )
    for (let run = 0; run < 2; run++) {
      const before = await runsOf()
      await schedule.getHandle('reconciliation').trigger()
      await vi.waitFor(async () => expect(await runsOf()).toBe(before + 1), PATIENCE)
    }
    const { needsAttention } = await until(customer, id, (order) => order.needsAttention)
    expect(needsAttention).toBe(true)
    const found = await shop.rows<{ payload: { kind: string; repaired: boolean } }>(
      'orders',
      `SELECT payload FROM outbox WHERE type = 'reconciliation.found' AND payload->>'orderId' = '${id}'`,
    )
    expect(found.map(({ payload }) => [payload.kind, payload.repaired])).toEqual([['workflow_stuck', false]])
    const resolved = await operator.send<Order>('POST', `/api/v1/orders/${id}/operations`, {
      body: { action: 'resolve', note: 'a test did it' },
      headers: key(),
    })
    expect([resolved.status, resolved.body.needsAttention]).toEqual([202, false])
    await resume(orderWorkflowId(id))
    await customer.command(`/api/v1/orders/${id}/cancel`)
    await shop.reaches(customer, id, 'cancelled')
    await shop.expectSound()

    /** Lets a run that was terminated go on from where it was, as an operator can in Temporal's UI. */
    async function resume(workflowId: string): Promise<void> {
      const { events } = await workflow.getHandle(workflowId).fetchHistory()
      const last = events?.findLast(({ workflowTaskCompletedEventAttributes: done }) => done != null)
      await workflow.workflowService.resetWorkflowExecution({
        namespace: shop.sources.temporal.options.namespace,
        workflowExecution: { workflowId },
        reason: 'the test is over',
        requestId: randomUUID(),
        workflowTaskFinishEventId: last?.eventId ?? null,
      })
    }

    async function runsOf(): Promise<number> {
      const query = `WorkflowType = 'reconciliation' AND ExecutionStatus = 'Completed'`
      return (await workflow.count(query)).count
    }
  })
})
