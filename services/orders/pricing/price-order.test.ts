import { beforeAll, describe, expect, it } from 'vitest'
import { ProblemError } from '#platform/problem.ts'
import { testOrders, type TestOrders } from '#tests/support/orders.ts'
import { priceOrder } from './price-order.ts'

let orders: TestOrders
beforeAll(async () => {
  orders = await testOrders(3)
})

const price = (lines: [sku: string, quantity: number][], country = 'NL') =>
  priceOrder(orders.database, {
    lines: lines.map(([sku, quantity]) => ({ sku, quantity })),
    country,
    pricing: orders.pricing,
  })

const refusal = async (lines: [string, number][]) => {
  const error: unknown = await price(lines).catch((reason: unknown) => reason)
  if (!(error instanceof ProblemError)) throw error
  return { code: error.code, errors: error.errors }
}

describe('priceOrder', () => {
  it('takes prices from the catalog, tax by country and class, shipping by weight', async () => {
    expect(
      await price([
        ['TEE', 2],
        ['BOOK', 3],
      ]),
    ).toMatchObject({
      lines: [
        { sku: 'TEE', name: 'T-shirt', quantity: 2, unitPrice: 1990, total: 3980, tax: 836 }, // 21 %: 835.8
        { sku: 'BOOK', name: 'A book', quantity: 3, unitPrice: 1005, total: 3015, tax: 271 }, // 9 %: 271.35
      ],
      currency: 'EUR',
      subtotal: 6995,
      shipping: 790, // 1.6 kg
      shippingTax: 166, // 21 %: 165.9
      tax: 836 + 271 + 166,
      total: 6995 + 790 + 836 + 271 + 166,
    })
  })

  it('collects no tax where the seller has no duty', async () => {
    expect(await price([['TEE', 1]], 'US')).toMatchObject({ tax: 0, shippingTax: 0, total: 1990 + 490 })
  })

  it('prices the same product on two lines as two lines', async () => {
    const { lines, subtotal } = await price([
      ['TEE', 1],
      ['TEE', 2],
    ])
    expect([lines.length, subtotal]).toEqual([2, 3 * 1990])
  })

  it('names the line in every refusal', async () => {
    expect(
      await refusal([
        ['TEE', 1],
        ['NOPE', 1],
      ]),
    ).toEqual({
      code: 'unknown_sku',
      errors: [{ path: 'lines/1/sku', message: 'is not a product' }],
    })
    expect(await refusal([['OLD', 1]])).toEqual({
      code: 'product_inactive',
      errors: [{ path: 'lines/0/sku', message: 'is not for sale' }],
    })
    expect(
      await refusal([
        ['TEE', 1],
        ['BOOK', 1],
        ['YEN', 1],
      ]),
    ).toEqual({
      code: 'currency_mismatch',
      errors: [{ path: 'lines/2/sku', message: 'is priced in JPY, not EUR' }],
    })
    expect(
      await refusal([
        ['TEE', 1],
        ['CASTLE', 1_001],
      ]),
    ).toEqual({
      code: 'amount_too_large',
      errors: [{ path: 'lines/1/quantity', message: 'makes the order cost too much' }],
    })
  })

  it('takes exactly the largest amount', async () => {
    expect((await price([['CASTLE', 1_000]])).total).toBe(1_000_000_000_000)
  })
})
