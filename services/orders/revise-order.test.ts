import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { testOrders, type TestOrders } from '#tests/support/orders.ts'
import { createRecordProgress } from './record-progress.ts'
import { createReviseOrder } from './revise-order.ts'
import { findOrder } from './store.ts'

let orders: TestOrders
let revise: ReturnType<typeof createReviseOrder>
beforeAll(async () => {
  orders = await testOrders(20)
  revise = createReviseOrder(orders)
})

const orderOf = async (id: string) => (await findOrder(orders.database, id, null))!
const place = (...lines: [sku: string, quantity: number][]) =>
  orders.place(randomUUID(), { lines: lines.map(([sku, quantity]) => ({ sku, quantity })) })

describe('reviseOrder', () => {
  it('sells what there is at the prices of the order', async () => {
    const { id } = await place(['TEE', 2], ['BOOK', 3], ['TEE', 4])
    await orders.database.catalogProduct.update({ where: { sku: 'TEE' }, data: { price: 5n } })
    const terms = await revise({
      orderId: id,
      revision: 1,
      lines: [
        { sku: 'TEE', quantity: 3 },
        { sku: 'BOOK', quantity: 1 },
      ],
    })
    await orders.database.catalogProduct.update({ where: { sku: 'TEE' }, data: { price: 1_990n } })
    expect(terms).toEqual({
      lines: [
        { sku: 'TEE', quantity: 2, total: 3980, tax: 836 },
        { sku: 'BOOK', quantity: 1, total: 1005, tax: 90 },
        { sku: 'TEE', quantity: 1, total: 1990, tax: 418 }, // 21 %: 417.9
      ],
      shipping: 490, // exactly 1 kg; it was 790
      shippingTax: 103,
      total: 8912,
    })
    expect(await orderOf(id)).toMatchObject({
      version: 2,
      subtotal: 6975,
      tax: 1447,
      shipping: 490,
      total: 8912,
      lines: [{ quantity: 2 }, { quantity: 1 }, { quantity: 1 }],
    })
    const [event] = await orders.database.outbox.findMany({ where: { aggregateId: id, version: 2 } })
    expect(event).toMatchObject({ type: 'order.revised', payload: { reason: 'shortage', total: 8912 } })
  })

  it('gives a repeat the same answer, also many at once, and revises once', async () => {
    const { id } = await place(['TEE', 5])
    const input = { orderId: id, revision: 1, lines: [{ sku: 'TEE', quantity: 2 }] }
    const answers = await Promise.all(Array.from({ length: 10 }, () => revise(input)))
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect((await orderOf(id)).version).toBe(2)
    const less = await revise({ orderId: id, revision: 2, lines: [{ sku: 'TEE', quantity: 1 }] })
    expect(less.lines).toMatchObject([{ sku: 'TEE', quantity: 1 }])
    expect((await orderOf(id)).version).toBe(3)
  })

  it('never raises the shipping cost', async () => {
    const { id } = await place(['TEE', 20]) // 4 kg: 790
    await orders.database.order.update({
      where: { id },
      data: { shipping: 100n, shippingTax: 21n, total: { decrement: 690n + 145n } },
    })
    const terms = await revise({ orderId: id, revision: 1, lines: [{ sku: 'TEE', quantity: 10 }] })
    expect([terms.shipping, terms.shippingTax]).toEqual([100, 21])
  })

  it.each([
    ['more than was ordered', [{ sku: 'TEE', quantity: 3 }]],
    ['what was not ordered', [{ sku: 'BOOK', quantity: 1 }]],
    ['nothing', []],
  ])('refuses for good to sell %s, and changes nothing', async (_what, lines) => {
    const order = await place(['TEE', 2])
    const failing = revise({ orderId: order.id, revision: 1, lines })
    await expect(failing).rejects.toMatchObject({ nonRetryable: true, type: 'Refused' })
    expect(await orderOf(order.id)).toEqual(order)
    expect(await orders.events(order.id)).toHaveLength(1)
  })

  it('refuses for good to revise an order that has ended, and gives a repeat its answer', async () => {
    const { id } = await place(['TEE', 3])
    const input = { orderId: id, revision: 1, lines: [{ sku: 'TEE', quantity: 2 }] }
    const terms = await revise(input)
    await createRecordProgress(orders.transact)({ orderId: id, status: 'rejected', steps: [] })
    const ended = await orderOf(id)
    await expect(
      revise({ ...input, revision: 2, lines: [{ sku: 'TEE', quantity: 1 }] }),
    ).rejects.toMatchObject({
      nonRetryable: true,
      type: 'Refused',
    })
    expect(await revise(input)).toEqual(terms)
    expect(await orderOf(id)).toEqual(ended)
  })
})
