/** The workflows' door to the orders service itself: what is written about an order and read for it. */
import type { Address } from '#contracts/schemas.ts'
import type { ClearAttentionInput, RaiseAttentionInput } from '#services/orders/attention.ts'
import type { RecordProgressInput, StepRecord } from '#services/orders/record-progress.ts'

export type { StepRecord }

export interface OrdersActivities {
  /** Moves the order's row and writes its event and timeline in one transaction; a repeat changes nothing. */
  recordProgress(input: RecordProgressInput): Promise<void>
  /** Marks the order as waiting for an operator. */
  raiseAttention(input: RaiseAttentionInput): Promise<void>
  /** Takes the mark away, with who did what. */
  clearAttention(input: ClearAttentionInput): Promise<void>
  /** Asks Temporal to cancel the order's workflow, so that it closes as Cancelled. */
  requestCancellation(input: { workflowId: string }): Promise<void>
  /** Where to send the parcels; the only activity that hands out an address. */
  loadShippingAddress(input: { orderId: string }): Promise<Address>
}

/** The use cases are the activities: what the interface promises, the orders service does. */
export const createOrdersActivities = (useCases: OrdersActivities): OrdersActivities => ({ ...useCases })
