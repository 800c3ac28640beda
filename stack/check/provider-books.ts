/** What the provider's own ledger makes of its authorizations: read here once more, from the raw entries. */
import type { ProviderEntry } from './sources.ts'

export interface ProviderMoney {
  id: string
  orderId: string
  authorized: number
  captured: number
  refunded: number
  released: number
  /** In the hands of the customer's bank, for now or for good. */
  disputed: number
}

interface Known extends ProviderMoney {
  waiting: number
  expiresAt: string
}

/** Authorizations that hold, or have held, money; declined ones never did. */
export function readProviderBooks(entries: ProviderEntry[], now = new Date()): Map<string, ProviderMoney> {
  const found = new Map<string, Known>()
  for (const entry of entries) {
    const { authorizationId: id = '', reference = '', amount = 0 } = entry
    const known = found.get(id)
    if (
      entry.type === 'authorization' &&
      (entry.status === 'authorized' || entry.status === 'requires_action')
    ) {
      const waits = entry.status === 'requires_action'
      found.set(id, {
        id,
        orderId: reference.split(':', 1)[0] ?? '',
        authorized: waits ? 0 : amount,
        waiting: waits ? amount : 0,
        captured: 0,
        refunded: 0,
        released: 0,
        disputed: 0,
        expiresAt: entry.expiresAt ?? '',
      })
    } else if (known !== undefined) apply(known, entry)
  }
  for (const known of found.values()) {
    // time alone ends what nobody captured, without an entry
    if (new Date(known.expiresAt) <= now) known.released = known.authorized - known.captured
  }
  return new Map([...found].filter(([, { authorized }]) => authorized > 0))
}

function apply(known: Known, { type, amount = 0, released = 0, approved, outcome }: ProviderEntry): void {
  if (type === 'authentication' && approved === true) known.authorized = known.waiting
  if (type === 'capture') {
    known.captured += amount
    known.released += released
  }
  if (type === 'void') known.released += amount
  if (type === 'refund') known.refunded += amount
  if (type === 'dispute' && outcome === 'opened') known.disputed += amount
  if (type === 'dispute' && outcome === 'won') known.disputed -= amount
}
