/** What crosses into and out of the workflow of a return: its name, input, updates and result. */
import type { SkuQuantity } from './schemas.ts'
import type { ReturnStatus } from './states.ts'
import type { SagaPolicy } from './workflows.ts'

export const RETURN_WORKFLOW = 'return'

export const returnWorkflowId = (returnId: string): string => `return-${returnId}`

export interface ReturnInput {
  returnId: string
  orderId: string
  customerId: string
  number: string
  currency: string
  lines: SkuQuantity[]
  policy: SagaPolicy
  /** When the money goes back. */
  refundOn: 'receipt' | 'approval'
  /** How long an approved return may take to arrive; then it is cancelled. */
  arrivalSeconds: number
}

/** Updates of the return workflow. */
export interface ApproveReturnCommand {
  by: string
}
export interface RejectReturnCommand {
  by: string
  reason: string | null
}
/** Where returned goods are, and what becomes of them. */
export interface ReturnReceipt {
  warehouse: string
  disposition: 'restock' | 'write_off'
}
export interface ReceiveReturnCommand extends ReturnReceipt {
  by: string
}
export interface CancelReturnCommand {
  by: string
}

export interface ReturnResult {
  returnId: string
  status: Extract<ReturnStatus, 'refunded' | 'rejected' | 'cancelled'>
  /** Minor units. */
  refunded: number
}
