import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Attention } from '#contracts/http/operations.ts'
import { orderWorkflowId } from '#contracts/workflows.ts'
import { inTime, paymentBegins } from './support/in-time.ts'
import { openShop, orderOf, type Shop } from './support/shop.ts'

let shop: Shop

const PATIENCE = { timeout: 40_000, interval: 200 }

beforeAll(async () => {
  shop = await openShop()
})

afterEach(() => shop.providerFault('/faults/clear'))

/** Places an order that will be refused and returns what is left of it everywhere. */
async function refused(change: Parameters<typeof orderOf>[0] = {}) {
  const customer = await shop.customer()
  const sku = await shop.product({ AMS: 5, LJU: 5 })
  const placed = await customer.placeOrder(orderOf({ lines: [{ sku, quantity: 7 }], ...change }))
  // a decline asks for another method: this customer tries the same one until the order gives up
  const order = await shop.insists(customer, placed.id, change.paymentMethod ?? 'pm_card_visa')
  return { customer, order, stock: await shop.stockOf(sku), left: await whatIsLeft(placed.id) }
}

const UNTOUCHED = ['AMS', 'LJU'].map((warehouse) => ({ warehouse, on_hand: 5, held: 0, committed: 0 }))

async function whatIsLeft(orderId: string) {
  const [reservation] = await shop.rows<{ status: string }>(
    'inventory',
    `SELECT status FROM reservations WHERE order_id = '${orderId}'`,
  )
  const [payment] = await shop.rows<{
    status: string
    authorized: string
    captured: string
    released: string
  }>('payments', `SELECT status, authorized, captured, released FROM payments WHERE order_id = '${orderId}'`)
  const [screening] = await shop.rows<{ status: string }>(
    'users',
    `SELECT status FROM screenings WHERE order_id = '${orderId}'`,
  )
  return {
    reservation: reservation?.status,
    payment,
    screening: screening?.status,
    shipments: (await shop.rows('shipping', `SELECT 1 FROM shipments WHERE order_id = '${orderId}'`)).length,
    ledger: (await shop.ledgerOf(orderId)).map(({ type, status }) =>
      status === undefined ? type : `${type} ${status}`,
    ),
  }
}

describe('an order that cannot be', () => {
  it.each([
    ['pm_card_visa_chargeDeclined', 'card_declined'],
    ['pm_card_visa_chargeDeclinedInsufficientFunds', 'insufficient_funds'],
  ])('is rejected and undone when %s is declined', async (paymentMethod, code) => {
    const { order, stock, left } = await refused({ paymentMethod })
    expect(order).toMatchObject({
      status: 'rejected',
      statusReason: { code: 'declined', message: expect.stringContaining(code) as string },
    })
    expect(stock).toEqual(UNTOUCHED)
    expect(left).toMatchObject({
      reservation: 'released',
      screening: 'released',
      shipments: 0,
      ledger: ['authorization declined', 'authorization declined', 'authorization declined'],
    })
    expect(left.payment).toMatchObject({ authorized: '0', captured: '0' })
    await shop.expectSound()
  })

  it('is rejected without touching the provider when it is out of stock', async () => {
    const [plenty, none] = [await shop.product({ AMS: 5, LJU: 5 }), await shop.product({})]
    const { order, left } = await refused({
      lines: [
        { sku: plenty, quantity: 1 },
        { sku: none, quantity: 1 },
      ],
    })
    expect(order).toMatchObject({ status: 'rejected', statusReason: { code: 'out_of_stock' } })
    expect(await shop.stockOf(plenty)).toEqual(UNTOUCHED)
    expect(left).toMatchObject({ screening: 'released', payment: undefined, shipments: 0, ledger: [] })
  })

  it('is rejected when the customer would spend more than the limit', async () => {
    const sku = await shop.product({ AMS: 10_000 })
    const { order, left } = await refused({ lines: [{ sku, quantity: 3_000 }] })
    expect(order).toMatchObject({ status: 'rejected', statusReason: { code: 'fraud' } })
    expect(await shop.stockOf(sku)).toEqual([{ warehouse: 'AMS', on_hand: 10_000, held: 0, committed: 0 }])
    expect(left).toMatchObject({ reservation: 'released', payment: undefined, ledger: [] })
  })

  it('is rejected as technical and undone when the provider stays down', async () => {
    await shop.providerFault('/faults', { mode: 'down' })
    const customer = await shop.customer()
    const { id } = await customer.placeOrder(orderOf())
    await vi.waitFor(async () => expect(await attentionOr(id)).toBeDefined(), 40_000)
    await shop.providerFault('/faults/clear')
    if ((await customer.readOrder(id)).needsAttention) await operate(id, 'retry')
    const order = await shop.ends(customer, id)
    expect(order).toMatchObject({ status: 'rejected', statusReason: { code: 'technical' } })
    await closes(id, 'FAILED')
    expect(await whatIsLeft(id)).toMatchObject({
      reservation: 'released',
      screening: 'released',
      shipments: 0,
    })
    await shop.expectSound()
  })
})

/** The order once it has ended or asks for an operator. */
async function attentionOr(id: string) {
  const [row] = await shop.rows<{ status: string; attention: unknown }>(
    'orders',
    `SELECT status, attention FROM orders WHERE id = '${id}'`,
  )
  return row?.status === 'rejected' || row?.attention !== null ? row : undefined
}

async function operate(id: string, action: 'retry' | 'resolve'): Promise<void> {
  const operator = await shop.operator()
  const order = { action, note: 'the test says so' }
  expect((await operator.post(`/api/v1/orders/${id}/operations`, order)).status).toBe(202)
}

/** The run ends a moment after its row. */
const closes = (id: string, as: string): Promise<void> =>
  vi.waitFor(async () => {
    const { status } = await shop.sources.temporal.workflow.getHandle(orderWorkflowId(id)).describe()
    expect(status.name).toBe(as)
  }, PATIENCE)

describe('an order that is cancelled', () => {
  it('is undone when it is cancelled while the payment is slow', async () => {
    const customer = await shop.customer()
    const { id, sku, status } = await inTime(shop, async () => {
      const product = await shop.product({ AMS: 5, LJU: 5 })
      const lines = [{ sku: product, quantity: 7 }]
      const placed = await customer.placeOrder(orderOf({ lines, paymentMethod: 'pm_sandbox_slow' }))
      await paymentBegins(shop, placed.id)
      const answer = await customer.post(`/api/v1/orders/${placed.id}/cancel`, { reason: 'too slow' })
      return { id: placed.id, sku: product, status: answer.status }
    })
    expect(status).toBe(202)
    const order = await shop.ends(customer, id)
    expect(order).toMatchObject({
      status: 'cancelled',
      statusReason: { code: 'cancelled', message: 'too slow' },
    })
    await closes(id, 'CANCELLED')
    expect(await whatIsLeft(id)).toMatchObject({
      reservation: 'released',
      screening: 'released',
      shipments: 0,
    })
    expect(await shop.stockOf(sku)).toEqual(UNTOUCHED)
    await shop.expectSound()
  })

  it('can be cancelled right after the 201, before its workflow has done anything', async () => {
    const customer = await shop.customer()
    const { id, status } = await inTime(shop, async () => {
      const placed = await customer.placeOrder(orderOf({ paymentMethod: 'pm_sandbox_slow' }))
      const answer = await customer.post(`/api/v1/orders/${placed.id}/cancel`)
      return { id: placed.id, status: answer.status }
    })
    expect(status).toBe(202)
    expect(await shop.ends(customer, id)).toMatchObject({ status: 'cancelled' })
  })

  it('answers a repeated cancellation with the same key as the first', async () => {
    const customer = await shop.customer()
    const { first, second } = await inTime(shop, async () => {
      const { id } = await customer.placeOrder(orderOf({ paymentMethod: 'pm_sandbox_slow' }))
      const cancel = () => customer.post(`/api/v1/orders/${id}/cancel`, undefined, `cancel-once-${id}`)
      return { id, first: await cancel(), second: await cancel() }
    })
    expect([first.status, second.status]).toEqual([202, 202])
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(second.body).toEqual(first.body)
  })

  it('cannot be cancelled once it is completed', async () => {
    const customer = await shop.customer()
    const { id } = await customer.placeOrder(orderOf())
    await shop.reaches(customer, id, 'completed')
    const { status, body } = await customer.send('POST', `/api/v1/orders/${id}/cancel`)
    expect([status, body]).toEqual([409, expect.objectContaining({ code: 'order_not_cancellable' })])
  })
})

describe('an order whose undoing fails', () => {
  it('waits for an operator, who retries it once the fault is gone', async () => {
    const customer = await shop.customer()
    const operator = await shop.operator()
    await shop.providerFault('/faults', { mode: 'slow' }) // so that the cancellation comes while the money is authorized
    const { id, status } = await inTime(shop, async () => {
      const placed = await customer.placeOrder(orderOf({ paymentMethod: 'pm_sandbox_void_fails' }))
      await paymentBegins(shop, placed.id)
      const answer = await customer.post(`/api/v1/orders/${placed.id}/cancel`)
      return { id: placed.id, status: answer.status }
    })
    expect(status).toBe(202)
    await shop.providerFault('/faults', { mode: 'none' }) // voids fail still
    await shop.needsAttention(id)
    expect(await customer.readOrder(id)).toMatchObject({
      needsAttention: true,
      waitingFor: { what: 'operator' },
    })
    const queue = await operator.send<{ data: Attention[] }>('GET', '/api/v1/operations/attention')
    expect(queue.body.data).toContainEqual(
      expect.objectContaining({
        orderId: id,
        step: 'authorizePayment',
        operation: 'compensate',
        actions: ['retry', 'resolve'],
      }),
    )
    expect((await whatIsLeft(id)).reservation).toBe('held')
    await shop.expectSound()

    await shop.providerFault('/faults/clear')
    await operate(id, 'retry')
    expect(await shop.ends(customer, id)).toMatchObject({ status: 'cancelled', needsAttention: false })
    expect(await whatIsLeft(id)).toMatchObject({
      reservation: 'released',
      ledger: ['authorization authorized', 'void'],
    })
    await shop.expectSound()
  })

  it('refuses an operation on an order that asks for none, and customers have no say in it', async () => {
    const customer = await shop.customer()
    const operator = await shop.operator()
    const { id } = await customer.placeOrder(orderOf())
    const body = { action: 'retry', note: 'because' }
    const answers = await Promise.all(
      [customer, operator].map((client) =>
        client.send<{ code: string }>('POST', `/api/v1/orders/${id}/operations`, {
          body,
          headers: { 'idempotency-key': 'x' },
        }),
      ),
    )
    expect(answers.map(({ status, body: { code } }) => [status, code])).toEqual([
      [403, 'forbidden'],
      [409, 'no_operation_waiting'],
    ])
  })
})

describe('the faults of a payment provider', () => {
  it.each([
    ['pm_sandbox_timeout_after_charge', 'charges once although the answer was lost'],
    ['pm_sandbox_error_after_charge', 'charges once although the answer was an error'],
    ['pm_sandbox_error_then_ok', 'goes on once the provider works again'],
  ])('%s: %s', async (paymentMethod) => {
    const customer = await shop.customer()
    const { id, total } = await customer.placeOrder(orderOf({ paymentMethod }))
    await shop.reaches(customer, id, 'completed')
    expect((await shop.ledgerOf(id)).map(({ type, amount }) => [type, amount])).toEqual([
      ['authorization', total],
      ['capture', total],
    ])
  })

  it('asks an operator when a capture is refused after the dispatch, and captures on retry', async () => {
    const customer = await shop.customer()
    const { id, total } = await customer.placeOrder(orderOf({ paymentMethod: 'pm_sandbox_capture_fails' }))
    await shop.needsAttention(id)
    const [row] = await shop.rows<{ operation: string }>(
      'orders',
      `SELECT attention->>'operation' AS operation FROM orders WHERE id = '${id}'`,
    )
    expect(row?.operation).toBe('capture_failed')
    await shop.providerFault('/faults/clear')
    await operate(id, 'retry')
    await shop.reaches(customer, id, 'completed')
    const captures = (await shop.ledgerOf(id)).filter(({ type }) => type === 'capture')
    expect(captures.map(({ amount }) => amount)).toEqual([total])
    await shop.expectSound()
  })

  it('captures nothing more after an operator has collected it otherwise, and releases what was authorized', async () => {
    const customer = await shop.customer()
    const { id, total } = await customer.placeOrder(orderOf({ paymentMethod: 'pm_sandbox_capture_fails' }))
    await shop.needsAttention(id)
    await operate(id, 'resolve')
    await shop.providerFault('/faults/clear')
    await shop.reaches(customer, id, 'completed')
    const moved = (await shop.ledgerOf(id)).filter(({ type }) => type === 'capture' || type === 'void')
    expect(moved.map(({ type, amount }) => [type, amount])).toEqual([['void', total]])
    await shop.expectSound()
  })
})
