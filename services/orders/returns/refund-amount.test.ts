import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sum } from '#contracts/money.ts'
import type { OrderTerms } from '#contracts/workflows.ts'
import { countUnits } from '../units.ts'
import { keepsNothing } from './read-give-back.ts'
import { giveBack, type GivenBack } from './refund-amount.ts'

/** Three units cost 1.00 with 0.20 tax, two of the same on another line 0.51, and one of something else 0.10. */
const SOLD: OrderTerms = {
  lines: [
    { sku: 'A', quantity: 3, total: 100, tax: 20 },
    { sku: 'A', quantity: 2, total: 50, tax: 1 },
    { sku: 'B', quantity: 1, total: 10, tax: 0 },
  ],
  shipping: 40,
  shippingTax: 8,
  total: 229,
}
const GOODS = 181

const back = (sku: string, quantity: number) => ({ sku, quantity })

describe('what goes back', () => {
  it('is the share of the units, in the order of the lines', () => {
    const give = (lines: ReturnType<typeof back>[]) =>
      giveBack({ sold: SOLD, before: [], lines, nothingKept: false })
    expect(give([back('A', 1)])).toEqual({ goods: 40, shipping: 0 }) // 33 + 7
    expect(give([back('A', 4)])).toEqual({ goods: 146, shipping: 0 }) // 100 + 20 + 25 + 1
    expect(give([back('B', 1)])).toEqual({ goods: 10, shipping: 0 })
  })

  it('sums to what was paid, however it is cut, in any order', () => {
    const units = [...Array<string>(5).fill('A'), 'B']
    // every way to cut six units into pieces that come back one after the other, forwards and backwards
    for (let cuts = 0; cuts < 2 ** 5; cuts++) {
      for (const order of [units, units.toReversed()]) {
        const pieces: string[][] = [[]]
        for (const [index, sku] of order.entries()) {
          pieces.at(-1)!.push(sku)
          if ((cuts >> index) & 1 && index < order.length - 1) pieces.push([])
        }
        const given: (GivenBack & { lines: ReturnType<typeof back>[] })[] = []
        for (const [index, piece] of pieces.entries()) {
          const lines = piece.map((sku) => back(sku, 1))
          const nothingKept = index === pieces.length - 1
          given.push({ lines, ...giveBack({ sold: SOLD, before: given, lines, nothingKept }) })
        }
        const total = (pick: (one: GivenBack) => number) => sum(given.map(pick))
        expect([total(({ goods }) => goods), total(({ shipping }) => shipping)]).toEqual([GOODS, 48])
        expect(given.every(({ goods }) => goods >= 0)).toBe(true)
      }
    }
  })

  it('never exceeds what was paid, whatever is agreed to and comes to nothing, and is exact when all is back', () => {
    const amount = fc.integer({ min: 0, max: 1_000_000 })
    const line = fc.record({
      sku: fc.constantFrom('A', 'B', 'C'),
      quantity: fc.integer({ min: 1, max: 7 }),
      total: amount,
      tax: amount,
    })
    const sold = fc.record({
      lines: fc.array(line, { minLength: 1, maxLength: 4 }),
      shipping: amount,
      shippingTax: amount,
    })
    // each step sends a unit back, or takes back what was agreed to earlier
    const steps = fc.array(
      fc.record({ sku: fc.constantFrom('A', 'B', 'C'), undo: fc.boolean(), at: fc.nat(9) }),
      {
        maxLength: 40,
      },
    )
    fc.assert(
      fc.property(sold, steps, (order, happenings) => {
        const terms: OrderTerms = { ...order, total: 0 }
        const paid = sum(order.lines.map((one) => one.total + one.tax))
        const all = countUnits(order.lines)
        let given: (GivenBack & { lines: ReturnType<typeof back>[] })[] = []
        const agree = (sku: string) => {
          const lines = [back(sku, 1)]
          const units = countUnits([...given.flatMap((one) => one.lines), ...lines])
          if ((units.get(sku) ?? 0) > (all.get(sku) ?? 0)) return
          const nothingKept = [...all].every(([each, count]) => units.get(each) === count)
          given = [...given, { lines, ...giveBack({ sold: terms, before: given, lines, nothingKept }) }]
        }
        const goods = () => sum(given.map((one) => one.goods))
        const shipping = () => sum(given.map((one) => one.shipping))
        for (const { sku, undo, at } of happenings) {
          if (undo) given = given.filter((_one, index) => index !== at)
          else agree(sku)
          expect(goods()).toBeLessThanOrEqual(paid)
          expect([0, order.shipping + order.shippingTax]).toContain(shipping())
        }
        for (const [sku, count] of all) for (let unit = 0; unit < count; unit++) agree(sku)
        expect(goods()).toBe(paid)
      }),
    )
  })

  it('is right also when an earlier return came to nothing', () => {
    const second = { lines: [back('A', 2)], goods: 61, shipping: 0 } // units 2 and 3, agreed to after a first one
    const again = giveBack({ sold: SOLD, before: [second], lines: [back('A', 1)], nothingKept: false })
    expect(second.goods + again.goods).toBe(120)
  })

  it('gives the shipping cost back once', () => {
    const before = [{ lines: [back('A', 5)], goods: 171, shipping: 48 }]
    expect(giveBack({ sold: SOLD, before, lines: [back('B', 1)], nothingKept: true })).toEqual({
      goods: 10,
      shipping: 0,
    })
  })
})

describe('a customer keeps nothing', () => {
  const sold = [back('A', 2)]
  const parcel = (id: string, status: Parcel['status'], quantity = 1): Parcel => ({
    id,
    status,
    lines: [back('A', quantity)],
  })
  type Parcel = Parameters<typeof keepsNothing>[0]['parcels'][number]
  const nothing = (
    parcels: Parcel[],
    returned: number,
    options: { paidBack?: string[]; ended?: boolean } = {},
  ) =>
    keepsNothing({
      parcels,
      paidBack: new Set(options.paidBack),
      returned: returned === 0 ? [] : [back('A', returned)],
      sold,
      ended: options.ended ?? false,
    })

  it.each<[string, boolean, boolean]>([
    ['everything came back', true, nothing([parcel('1', 'delivered', 2)], 2)],
    ['something is kept', false, nothing([parcel('1', 'delivered', 2)], 1)],
    ['a parcel is on its way', false, nothing([parcel('1', 'delivered'), parcel('2', 'dispatched')], 1)],
    ['a parcel was cancelled', true, nothing([parcel('1', 'delivered'), parcel('2', 'cancelled')], 1)],
    [
      'a lost parcel is paid back',
      true,
      nothing([parcel('1', 'delivered'), parcel('2', 'lost')], 1, { paidBack: ['2'] }),
    ],
    ['a lost parcel may be sent again', false, nothing([parcel('1', 'delivered'), parcel('2', 'lost')], 1)],
    [
      'a lost parcel was sent again and came back',
      true,
      nothing([parcel('1', 'lost', 2), parcel('2', 'delivered', 2)], 2, { ended: true }),
    ],
    ['more parcels are to come', false, nothing([parcel('1', 'delivered')], 1)],
    ['nothing else was sent in the end', true, nothing([parcel('1', 'delivered')], 1, { ended: true })],
  ])('%s: %s', (_what, expected, actual) => expect(actual).toBe(expected))
})
