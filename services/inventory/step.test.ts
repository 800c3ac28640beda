import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeStep } from '#platform/temporal/step-conformance.ts'
import { testInventory } from '#tests/support/inventory.ts'
import { createReleaseReservation } from './release-reservation.ts'
import { createReserveStock } from './reserve-stock.ts'

const { transact, granting, stock, levels } = await testInventory(20)
const reserveStock = createReserveStock(granting)
const releaseReservation = createReleaseReservation({ transact })

describeStep({ describe, it, expect, beforeAll, afterAll }, 'reserveInventory', async () => ({
  undone: 'released',
  async order() {
    const orderId = randomUUID()
    const sku = `STEP-${orderId.slice(0, 8).toUpperCase()}`
    await stock(sku, { AMS: 5 })
    return {
      execute: () => reserveStock({ orderId, lines: [{ sku, quantity: 1 }] }),
      compensate: () => releaseReservation({ orderId }),
      effects: async () => (await levels(sku))['AMS']![1],
    }
  },
  stop: () => Promise.resolve(),
}))
