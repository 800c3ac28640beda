import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exponentOf, formatMoney, MAX_AMOUNT, shareOf, sum, taxOn } from './money.ts'

const amount = fc.integer({ min: 0, max: MAX_AMOUNT })
const rate = fc.integer({ min: 0, max: 10_000 })

describe('shareOf', () => {
  it('gives adjoining ranges shares that add up to the whole, however they are cut', () => {
    fc.assert(
      fc.property(
        amount,
        fc.integer({ min: 1, max: 10_000 }),
        fc.array(fc.nat(10_000), { maxLength: 20 }),
        (total, quantity, cuts) => {
          const ends = [0, ...cuts.filter((cut) => cut <= quantity).toSorted((a, b) => a - b), quantity]
          const shares = ends.slice(1).map((to, index) => shareOf(total, quantity, ends[index]!, to))
          expect(sum(shares)).toBe(total)
          expect(Math.min(...shares)).toBeGreaterThanOrEqual(0)
        },
      ),
    )
  })

  it('never differs by more than one unit between single pieces', () => {
    fc.assert(
      fc.property(amount, fc.integer({ min: 1, max: 200 }), (total, quantity) => {
        const shares = Array.from({ length: quantity }, (_, unit) => shareOf(total, quantity, unit, unit + 1))
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
      }),
    )
  })

  it('hands out 100 over three units as 33, 34, 33', () => {
    expect([0, 1, 2].map((unit) => shareOf(100, 3, unit, unit + 1))).toEqual([33, 34, 33])
  })

  it('is exact at the largest amount and quantity', () => {
    expect(shareOf(MAX_AMOUNT, 10_000, 0, 9_999)).toBe(999_900_000_000)
    expect(shareOf(MAX_AMOUNT, 3, 0, 1)).toBe(333_333_333_333)
    expect(shareOf(MAX_AMOUNT - 1, 7, 6, 7) + shareOf(MAX_AMOUNT - 1, 7, 0, 6)).toBe(MAX_AMOUNT - 1)
  })
})

describe('taxOn', () => {
  it('rounds half up', () => {
    expect(taxOn(50, 100)).toBe(1) // 0.5
    expect(taxOn(49, 100)).toBe(0) // 0.49
    expect(taxOn(150, 100)).toBe(2) // 1.5: up, not to even
    expect(taxOn(250, 100)).toBe(3)
    expect(taxOn(1990, 2100)).toBe(418) // 417.9
  })

  it('is the nearest unit to the exact tax, for every amount and rate', () => {
    fc.assert(
      fc.property(amount, rate, (net, basisPoints) => {
        const remainder = BigInt(net) * BigInt(basisPoints) - BigInt(taxOn(net, basisPoints)) * 10_000n
        expect(remainder >= -5_000n && remainder < 5_000n).toBe(true)
      }),
    )
  })

  it('loses no unit at the largest amount', () => {
    expect(taxOn(MAX_AMOUNT, 2_100)).toBe(210_000_000_000)
    expect(taxOn(MAX_AMOUNT - 1, 9_999)).toBe(999_899_999_999)
  })
})

describe('formatMoney', () => {
  it('has as many places as the currency', () => {
    expect(formatMoney(1990, 'EUR')).toBe('19.90 EUR')
    expect(formatMoney(5, 'EUR')).toBe('0.05 EUR')
    expect(formatMoney(0, 'EUR')).toBe('0.00 EUR')
    expect(formatMoney(-1234, 'EUR')).toBe('-12.34 EUR')
    expect(formatMoney(1990, 'JPY')).toBe('1990 JPY')
    expect(formatMoney(1990, 'KWD')).toBe('1.990 KWD')
    expect(formatMoney(7, 'CLF')).toBe('0.0007 CLF')
    expect(formatMoney(MAX_AMOUNT, 'EUR')).toBe('10000000000.00 EUR')
  })

  it('reads back as the amount it came from', () => {
    const currency = fc.constantFrom('EUR', 'JPY', 'KWD', 'CLF')
    fc.assert(
      fc.property(fc.integer({ min: -MAX_AMOUNT, max: MAX_AMOUNT }), currency, (minor, code) => {
        const [digits = '', shown] = formatMoney(minor, code).split(' ')
        expect(shown).toBe(code)
        expect(Number(digits.replace('.', ''))).toBe(minor === 0 ? 0 : minor)
        expect(digits.split('.')[1]?.length ?? 0).toBe(exponentOf(code))
      }),
    )
  })
})
