/** The workflows' door to the orders service itself: what is written about an order and read for it. */
import type { Address } from '#contracts/schemas.ts'
import type { OrderStatus } from '#contracts/states.ts'
import type { AttentionState } from '#contracts/workflows.ts'

/** A saga step as the timeline tells it. */
export interface StepRecord {
  /** Counts the workflow's records, so that a repeated one is known. */
  sequence: number
  name: string
  status: 'completed' | 'refused' | 'failed' | 'compensated'
  detail: string | null
  /** ISO 8601 */
  at: string
}

export interface RecordProgressInput {
  orderId: string
  /** Absent when only steps are recorded. */
  status?: OrderStatus
  reason?: { code: string; message: string }
  steps: StepRecord[]
}

export interface OrdersActivities {
  /** Moves the order's row and writes its event and timeline in one transaction; a repeat changes nothing. */
  recordProgress(input: RecordProgressInput): Promise<void>
  /** Marks the order as waiting for an operator. */
  raiseAttention(input: { orderId: string } & AttentionState): Promise<void>
  /** Takes the mark away, with who did what. */
  clearAttention(input: {
    orderId: string
    action: 'retry' | 'resolve'
    by: string
    note: string
  }): Promise<void>
  /** Asks Temporal to cancel the order's workflow, so that it closes as Cancelled. */
  requestCancellation(input: { workflowId: string }): Promise<void>
  /** Where to send the parcels; the only activity that hands out an address. */
  loadShippingAddress(input: { orderId: string }): Promise<Address>
}

/** The use cases are the activities: what the interface promises, the orders service does. */
export const createOrdersActivities = (useCases: OrdersActivities): OrdersActivities => ({ ...useCases })
