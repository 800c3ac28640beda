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
        compensate: () => useCases.releaseScreening({ orderId }),
        effects: () => store.screening.count({ where: { orderId, status: 'cleared' } }),
      }
    },
    stop: () => store.$disconnect(),
  }
})

describeStep({ describe, it, expect, beforeAll, afterAll }, 'screenAmendment', async () => {
  const { store, useCases, person } = await openUsers(await freshDatabase('users'))
  return {
    undone: 'released',
    async order() {
      const [{ id: customerId }, orderId] = [await person('customer'), randomUUID()]
      const order = { orderId, customerId, currency: 'EUR' }
      await useCases.screenCustomer({ ...order, amount: 100 })
      return {
        execute: () => useCases.screenCustomer({ ...order, amount: 200, request: 2 }),
        compensate: () => useCases.releaseScreening({ orderId, request: 2 }),
        effects: () => store.screening.count({ where: { orderId, status: 'cleared', request: 2 } }),
      }
    },
    stop: () => store.$disconnect(),
  }
})
