import type { AnyDomainEvent } from '#contracts/events.ts'
import type { OrdersTransaction } from '../store.ts'

/** Brings one event into the orders database; called once per event and in each aggregate's order. */
export type Apply = (tx: OrdersTransaction, event: AnyDomainEvent) => Promise<void>
