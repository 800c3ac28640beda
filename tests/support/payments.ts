/** The payments service's use cases for one test file: a database of the file's, and each test's own provider. */
import { beforeAll, beforeEach } from 'vitest'
import { openAt } from '#services/payments/providers/provider.ts'
import type { Store } from '#services/payments/store.ts'
import { createMemoryProvider, type MemoryProvider } from '#services/payments/test-support/memory-provider.ts'
import {
  createPayments,
  findViolations,
  openTestStore,
  type Payments,
} from '#services/payments/test-support/payments.ts'
import { closeWithFile } from './closing.ts'
import { freshDatabase } from './database.ts'

export interface PaymentsWorld {
  readonly database: Store
  readonly provider: MemoryProvider
  readonly payments: Payments
  /** Puts another provider in the place of the test's. */
  use(memory: MemoryProvider): void
  /** The references of the authorizations that still hold money. */
  live(): string[]
  /** The keys of all calls of one kind, without their order: `authorize:1`. */
  keys(operation: string): string[]
  violations(order: { orderId: string }): Promise<string[]>
}

/** A database of the test file's own. */
export async function paymentsStore(): Promise<Store> {
  const database = openTestStore(await freshDatabase('payments'))
  closeWithFile(() => database.$disconnect())
  return database
}

export function paymentsWorld(): PaymentsWorld {
  let database: Store
  let provider: MemoryProvider
  let payments: Payments

  function use(memory: MemoryProvider): void {
    provider = memory
    payments = createPayments(database, provider)
  }

  beforeAll(async () => {
    database = await paymentsStore()
  })
  beforeEach(() => use(createMemoryProvider()))

  return {
    get database() {
      return database
    },
    get provider() {
      return provider
    },
    get payments() {
      return payments
    },
    use,
    live: () => provider.authorizations.filter((each) => openAt(each) > 0).map(({ reference }) => reference),
    keys: (operation) =>
      provider.calls
        .filter((call) => call.operation === operation)
        .map(({ key }) => key.split(':').slice(1).join(':')),
    violations: ({ orderId }) => findViolations(database, orderId, provider.authorizations),
  }
}
