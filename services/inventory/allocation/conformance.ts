/** What every allocation strategy must do: each one's test runs this, with products and warehouses at random. */
import type * as fastCheck from 'fast-check'
import type * as vitest from 'vitest'
import { findShortages } from '../demands.ts'
import type { AllocatedLine, AllocationStrategy, WarehouseStock } from './allocation.ts'

interface Tools extends Pick<typeof vitest, 'describe' | 'it' | 'expect'> {
  fc: typeof fastCheck
}

const SKUS = ['A', 'B', 'C', 'D']
const WAREHOUSES = ['AMS', 'LJU', 'VIE']
const RUNS = { numRuns: 1_000 }

/**
 * Declares the tests.
 *
 * @example describeAllocation({ describe, it, expect, fc }, 'nearest', allocate)
 */
export function describeAllocation(
  { describe, it, expect, fc }: Tools,
  name: string,
  allocate: AllocationStrategy,
): void {
  const stockOf = (units: readonly number[]): WarehouseStock[] =>
    WAREHOUSES.flatMap((warehouse, row) =>
      SKUS.map((sku, column) => ({
        sku,
        warehouse,
        priority: row,
        available: units[row * SKUS.length + column] ?? 0,
      })),
    )
  const cells = SKUS.length * WAREHOUSES.length
  const anyStock = fc.array(fc.nat({ max: 12 }), { minLength: cells, maxLength: cells }).map(stockOf)
  const anyDemands = fc.uniqueArray(
    fc.record({ sku: fc.constantFrom(...SKUS), quantity: fc.integer({ min: 1, max: 20 }) }),
    { selector: ({ sku }) => sku, minLength: 1 },
  )
  const anything = fc.tuple(anyDemands, anyStock)
  const coverable = anything.filter(([demands, stock]) => findShortages(demands, stock).length === 0)
  const short = anything.filter(([demands, stock]) => findShortages(demands, stock).length > 0)
  const unitsOf = (lines: readonly AllocatedLine[], sku: string): number =>
    lines.filter((line) => line.sku === sku).reduce((units, { quantity }) => units + quantity, 0)

  describe(`the allocation ${name}`, () => {
    it('gives every demand exactly and nothing else', () => {
      fc.assert(
        fc.property(coverable, ([demands, stock]) => {
          const lines = allocate(demands, stock)
          for (const { sku, quantity } of demands) expect(unitsOf(lines, sku)).toBe(quantity)
          const asked = demands.map(({ sku }) => sku)
          expect(lines.filter(({ sku }) => !asked.includes(sku))).toEqual([])
        }),
        RUNS,
      )
    })

    it('takes whole units, never more than is available, each product once per warehouse', () => {
      fc.assert(
        fc.property(coverable, ([demands, stock]) => {
          const lines = allocate(demands, stock)
          for (const { sku, warehouse, quantity } of lines) {
            const entry = stock.find((known) => known.sku === sku && known.warehouse === warehouse)
            expect(Number.isInteger(quantity) && quantity > 0).toBe(true)
            expect(quantity).toBeLessThanOrEqual(entry?.available ?? 0)
          }
          expect(new Set(lines.map(({ sku, warehouse }) => `${sku} ${warehouse}`)).size).toBe(lines.length)
        }),
        RUNS,
      )
    })

    it('decides the same whatever order the stock is listed in, and leaves its arguments alone', () => {
      fc.assert(
        fc.property(
          coverable.chain(([demands, stock]) =>
            fc.tuple(
              fc.constant(demands),
              fc.constant(stock),
              fc.shuffledSubarray(stock, { minLength: stock.length }),
            ),
          ),
          ([demands, stock, shuffled]) => {
            const before = structuredClone({ demands, shuffled })
            expect(allocate(demands, shuffled)).toEqual(allocate(demands, stock))
            expect({ demands, shuffled }).toEqual(before)
          },
        ),
        RUNS,
      )
    })

    it('throws rather than give less than is asked for', () => {
      fc.assert(
        fc.property(short, ([demands, stock]) => {
          expect(() => allocate(demands, stock)).toThrow()
        }),
        RUNS,
      )
    })
  })
}
