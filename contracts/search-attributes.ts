/** What Temporal can look for among workflows. */

/**
 * What the search attributes of an order say from its start: its first act is to enter this step. An order that nobody
 * works on yet is found there too.
 */
export const FIRST_STEP = { status: 'reserving', step: 'reserveInventory' } as const

/** Typed search attributes; no personal data in any of them. */
export const SEARCH_ATTRIBUTES = {
  OrderStatus: 'Keyword',
  OrderStep: 'Keyword',
  NeedsAttention: 'Bool',
  CustomerId: 'Keyword',
  OrderTotal: 'Int',
} as const
