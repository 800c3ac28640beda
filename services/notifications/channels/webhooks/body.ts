import type { AnyDomainEvent } from '#contracts/events.ts'

/** What merchants get of an event: all of it but what an operator wrote in their own words. */
export function bodyOf(event: AnyDomainEvent): string {
  if (event.eventType !== 'stock.adjusted') return JSON.stringify(event)
  const { reason, ...payload } = event.payload
  void reason // for the people who count the stock
  return JSON.stringify({ ...event, payload })
}
