import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeStep } from '#platform/temporal/step-conformance.ts'
import { freshDatabase } from '#tests/support/database.ts'
import { openUsers } from './testing.ts'

describeStep({ describe, it, expect, beforeAll, afterAll }, 'screenFraud', async () => {
  const { store, useCases, person } = await openUsers(await freshDatabase('users'))
  return {
    undone: 'released',
    async order() {
      const [{ id: customerId }, orderId] = [await person('customer'), randomUUID()]
      return {
        execute: () => useCases.screenCustomer({ orderId, customerId, amount: 100, currency: 'EUR' }),
        compensate: () => useCases.releaseScreening(orderId),
        effects: () => store.screening.count({ where: { orderId, status: 'cleared' } }),
      }
    },
    stop: () => store.$disconnect(),
  }
})
