import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Address, SkuQuantity } from '#contracts/schemas.ts'
import { ADDRESS, testOrders, type TestOrders } from '#tests/support/orders.ts'
import { createRecordProgress } from '../record-progress.ts'
import { findOrder } from '../store.ts'
import { createQuoteAmendment } from './quote-amendment.ts'
import { createApplyAmendment, createRefuseAmendment } from './settle-amendment.ts'

let orders: TestOrders
let quote: ReturnType<typeof createQuoteAmendment>
let apply: ReturnType<typeof createApplyAmendment>
let refuse: ReturnType<typeof createRefuseAmendment>
beforeAll(async () => {
  orders = await testOrders(20)
  quote = createQuoteAmendment(orders)
  apply = createApplyAmendment(orders.transact)
  refuse = createRefuseAmendment(orders.transact)
})

const BERLIN: Address = { ...ADDRESS, line1: 'Unter den Linden 1', city: 'Berlin', country: 'DE' }
const refused = { nonRetryable: true, type: 'Refused' }

async function asked(orderId: string, change: { lines?: SkuQuantity[]; shippingAddress?: Address }) {
  const { id } = await orders.database.amendment.create({ data: { id: randomUUID(), orderId, ...change } })
  return { orderId, amendmentId: id }
}
const orderOf = async (id: string) => (await findOrder(orders.database, id, null))!
const amendmentOf = (id: string) => orders.database.amendment.findUniqueOrThrow({ where: { id } })

describe('quoteAmendment', () => {
  it('keeps the price of what was ordered, gives what is new today’s, and changes nothing', async () => {
    const order = await orders.place()
    await orders.database.catalogProduct.update({ where: { sku: 'TEE' }, data: { price: 9_999n } })
    const ref = await asked(order.id, {
      lines: [
        { sku: 'TEE', quantity: 3 },
        { sku: 'BOOK', quantity: 1 },
      ],
    })
    const terms = {
      lines: [
        { sku: 'TEE', quantity: 3, total: 5970, tax: 1254 }, // 21 %: 1253.7
        { sku: 'BOOK', quantity: 1, total: 1005, tax: 90 }, // 9 %: 90.45
      ],
      shipping: 490, // exactly 1 kg
      shippingTax: 103,
      total: 8912,
    }
    expect(await quote(ref)).toEqual({ outcome: 'possible', linesChanged: true, terms })
    await orders.database.catalogProduct.update({ where: { sku: 'TEE' }, data: { price: 1_990n } })
    expect(await quote(ref)).toEqual({ outcome: 'possible', linesChanged: true, terms })
    expect(await orderOf(order.id)).toEqual(order)
  })

  it('taxes by the new country, and knows that the goods stay the same', async () => {
    const { id } = await orders.place()
    const answer = await quote(await asked(id, { shippingAddress: BERLIN }))
    expect(answer).toMatchObject({
      outcome: 'possible',
      linesChanged: false,
      terms: { lines: [{ sku: 'TEE', quantity: 2, total: 3980, tax: 756 }], shipping: 490, shippingTax: 93 },
    })
  })

  it('refuses what comes after the parcels, whose workflow was reset to before them', async () => {
    const { id } = await orders.place()
    const given = await asked(id, { lines: [{ sku: 'TEE', quantity: 1 }] })
    expect(await quote(given)).toMatchObject({ outcome: 'possible' })
    const late = await asked(id, { lines: [{ sku: 'TEE', quantity: 3 }] })
    await orders.database.orderShipment.create({
      data: { id: randomUUID(), orderId: id, warehouse: 'AMS', status: 'booked', lines: [], history: [] },
    })
    expect(await quote(late)).toMatchObject({ outcome: 'refused', code: 'order_not_amendable' })
    expect(await quote(given)).toMatchObject({ outcome: 'possible' }) // a repeat gets its answer
  })

  it.each<[string, SkuQuantity[], string]>([
    ['a product that is not for sale', [{ sku: 'OLD', quantity: 1 }], 'product_inactive'],
    ['a product that does not exist', [{ sku: 'NOPE', quantity: 1 }], 'unknown_sku'],
    ['another currency', [{ sku: 'YEN', quantity: 1 }], 'currency_mismatch'],
    ['more than anybody pays', [{ sku: 'CASTLE', quantity: 1_001 }], 'amount_too_large'],
  ])('refuses %s as an answer', async (_what, lines, code) => {
    const { id } = await orders.place()
    expect(await quote(await asked(id, { lines }))).toMatchObject({ outcome: 'refused', code })
  })

  it('lets fewer units be kept of what is not for sale any more, and not more', async () => {
    const { id } = await orders.place(randomUUID(), { lines: [{ sku: 'BOOK', quantity: 2 }] })
    const book = { where: { sku: 'BOOK' } }
    await orders.database.catalogProduct.update({ ...book, data: { active: false } })
    const units = async (quantity: number) =>
      (await quote(await asked(id, { lines: [{ sku: 'BOOK', quantity }] }))).outcome
    expect([await units(1), await units(2), await units(3)]).toEqual(['possible', 'possible', 'refused'])
    await orders.database.catalogProduct.update({ ...book, data: { active: true } })
  })

  it('refuses to change the order of an account that is gone', async () => {
    const customerId = randomUUID()
    const { id } = await orders.place(customerId)
    await orders.database.erasedCustomer.create({ data: { customerId } })
    expect(await quote(await asked(id, { shippingAddress: BERLIN }))).toMatchObject({
      outcome: 'refused',
      code: 'order_not_amendable',
    })
  })

  it('refuses for good what it does not know', async () => {
    const [{ id }, other] = [await orders.place(), await orders.place()]
    await expect(quote({ orderId: id, amendmentId: randomUUID() })).rejects.toMatchObject(refused)
    const { amendmentId } = await asked(other.id, { shippingAddress: BERLIN })
    await expect(quote({ orderId: id, amendmentId })).rejects.toMatchObject(refused)
  })
})

describe('applyAmendment', () => {
  it('makes what was quoted the order, once, however often it is asked', async () => {
    const { id } = await orders.place()
    const ref = await asked(id, { lines: [{ sku: 'BOOK', quantity: 2 }], shippingAddress: BERLIN })
    const answer = await quote(ref)
    await Promise.all(Array.from({ length: 10 }, () => apply(ref)))
    const order = await orderOf(id)
    expect(order).toMatchObject({
      version: 2,
      shippingAddress: BERLIN,
      lines: [{ sku: 'BOOK', quantity: 2, unitPrice: 1005, total: 2010, tax: 141 }],
      subtotal: 2010,
      tax: 234,
      shipping: 490,
      total: 2734,
    })
    expect(answer).toMatchObject({ terms: { total: order.total } })
    expect(await orders.events(id)).toEqual([
      [1, 'order.created'],
      [2, 'order.revised'],
    ])
    const [event] = await orders.database.outbox.findMany({ where: { aggregateId: id, version: 2 } })
    expect(event?.payload).toMatchObject({ reason: 'amendment', status: 'placed', total: 2734 })
    expect(JSON.stringify(event?.payload)).not.toContain('Linden')
    // the address is the order's now; nobody else keeps it
    expect(await amendmentOf(ref.amendmentId)).toMatchObject({ status: 'applied', shippingAddress: null })
  })

  it('refuses for good what was not quoted or was refused, and changes nothing', async () => {
    const order = await orders.place()
    const unquoted = await asked(order.id, { shippingAddress: BERLIN })
    await expect(apply(unquoted)).rejects.toMatchObject(refused)
    const given = await asked(order.id, { shippingAddress: BERLIN })
    await quote(given)
    await refuse({ ...given, code: 'out_of_stock', message: 'There is not enough.' })
    await expect(apply(given)).rejects.toMatchObject(refused)
    expect(await orderOf(order.id)).toEqual(order)
  })
})

describe('refuseAmendment', () => {
  it('forgets the address and says why; the order stays as it was', async () => {
    const order = await orders.place()
    const ref = await asked(order.id, { shippingAddress: BERLIN })
    const why = { code: 'declined', message: 'The payment was declined.' }
    await Promise.all(Array.from({ length: 5 }, () => refuse({ ...ref, ...why })))
    expect(await amendmentOf(ref.amendmentId)).toMatchObject({
      status: 'refused',
      shippingAddress: null,
      ...why,
    })
    expect(await orderOf(order.id)).toEqual(order)
    // the workflow's journal tells it, once
    const told = { orderId: order.id, name: 'amendOrder' }
    expect(await orders.database.timelineEntry.count({ where: told })).toBe(0)
  })

  it('comes too late for what is applied', async () => {
    const { id } = await orders.place()
    const ref = await asked(id, { shippingAddress: BERLIN })
    await quote(ref)
    await apply(ref)
    await expect(refuse({ ...ref, code: 'c', message: 'm' })).rejects.toMatchObject(refused)
    expect((await amendmentOf(ref.amendmentId)).status).toBe('applied')
  })

  it('happens by itself when the order ends first', async () => {
    const { id } = await orders.place()
    const ref = await asked(id, { shippingAddress: BERLIN })
    const record = createRecordProgress(orders.transact)
    await record({ orderId: id, status: 'reserving', steps: [] })
    expect((await amendmentOf(ref.amendmentId)).shippingAddress).toEqual(BERLIN)
    await record({ orderId: id, status: 'rejected', steps: [] })
    expect(await amendmentOf(ref.amendmentId)).toMatchObject({ status: 'refused', shippingAddress: null })
  })
})
