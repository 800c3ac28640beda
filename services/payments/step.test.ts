import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeStep } from '#platform/temporal/step-conformance.ts'
import { freshDatabase } from '#tests/support/database.ts'
import { openAt } from './providers/provider.ts'
import { createMemoryProvider } from './test-support/memory-provider.ts'
import { createPayments, newOrder, openTestStore } from './test-support/payments.ts'

describeStep({ describe, it, expect, beforeAll, afterAll }, 'authorizePayment', async () => {
  const database = openTestStore(await freshDatabase('payments'))
  const provider = createMemoryProvider()
  const payments = createPayments(database, provider)
  return {
    undone: 'voided',
    async order() {
      const order = newOrder()
      return {
        execute: () => payments.authorize(order),
        compensate: () => payments.voidPayment(order),
        effects: async () =>
          provider.authorizations.filter(
            (authorization) => authorization.reference.startsWith(order.orderId) && openAt(authorization) > 0,
          ).length,
      }
    },
    stop: () => database.$disconnect(),
  }
})
