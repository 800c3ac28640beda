/** The workflows' door to the orders service itself: what is written about an order and read for it. */
import type { Address } from '#contracts/schemas.ts'
import type { Finding, OrderTerms } from '#contracts/workflows.ts'
import type { AmendmentRef } from '#services/orders/amendments/amendment.ts'
import type { AmendmentQuote } from '#services/orders/amendments/quote-amendment.ts'
import type { ClearAttentionInput, RaiseAttentionInput } from '#services/orders/attention.ts'
import type { ConcernInput } from '#services/orders/concerns.ts'
import type { QuoteLostParcelInput } from '#services/orders/returns/quote-lost-parcel.ts'
import type { QuoteShippingBackInput } from '#services/orders/returns/quote-shipping-back.ts'
import type {
  MoveNumber,
  RecordedProgress,
  RecordProgressInput,
  StepRecord,
} from '#services/orders/record-progress.ts'
import type { RecordedReturn, RecordReturnInput } from '#services/orders/returns/record-return.ts'
import type { ReviseOrderInput } from '#services/orders/revise-order.ts'

export type {
  AmendmentQuote,
  AmendmentRef,
  ConcernInput,
  MoveNumber,
  RecordReturnInput,
  ReviseOrderInput,
  StepRecord,
}

export interface OrdersActivities {
  /**
   * Moves the order's row and writes its event and timeline in one transaction; a repeat changes nothing. Tells a run that was
   * reset when the row is further than it.
   */
  recordProgress(input: RecordProgressInput): Promise<RecordedProgress | undefined>
  /** Marks the order as waiting for an operator. */
  raiseAttention(input: RaiseAttentionInput): Promise<void>
  /** Takes the mark away, with who did what. */
  clearAttention(input: ClearAttentionInput): Promise<void>
  /**
   * Sells only these quantities (what is in stock): the lines that are left, at the prices of the order, and what it costs
   * now. A repeat of the same revision gives the same answer.
   */
  reviseOrder(input: ReviseOrderInput): Promise<OrderTerms>
  /** What the order would be with this amendment; nothing changes yet. Refusals (a product not for sale) are answers. */
  quoteAmendment(input: AmendmentRef): Promise<AmendmentQuote>
  /** Makes the amendment the order: lines, totals, address. A repeat changes nothing. */
  applyAmendment(input: AmendmentRef): Promise<void>
  /** Notes that the amendment came to nothing, and why. */
  refuseAmendment(input: AmendmentRef & { code: string; message: string }): Promise<void>
  /** Puts something before the operators that no workflow waits for (a parcel that is overdue); once per source. */
  raiseConcern(input: ConcernInput): Promise<void>
  /** Takes it away again, when it has settled itself. */
  settleConcern(input: { orderId: string; source: string; note: string }): Promise<void>
  /**
   * Moves a return's row and writes its event, unless it has gone another way: the answer says where it is. What it gives
   * back is the whole amount and how much of it is for shipping: its goods are known once it is approved, the shipping when
   * it pays.
   */
  recordReturn(input: RecordReturnInput): Promise<RecordedReturn>
  /**
   * What is left to be refunded of a parcel that is lost, minor units, with the shipping where it is the last; or of one
   * that took a lost one's place (`replaces`) and was lost or given up.
   */
  quoteLostParcel(input: QuoteLostParcelInput): Promise<{ amount: number }>
  /**
   * What goes back of the shipping cost, minor units, when every parcel has come to its end and these were given up: all of
   * it where the customer keeps nothing and it did not go back before, nothing otherwise. Fails, to be tried again, as long as
   * the end of a parcel that left has not been heard of.
   */
  quoteShippingBack(input: QuoteShippingBackInput): Promise<{ amount: number }>
  /**
   * Orders that should have a running workflow and have none, or one that has not moved for long. The missing are started
   * where nothing has been done yet.
   */
  checkWorkflows(): Promise<Finding[]>
  /** Parcels under way whose workflow has ended, of orders that do not ask by themselves. */
  checkParcels(): Promise<Finding[]>
  /** The same as for orders, for returns. */
  checkReturns(): Promise<Finding[]>
  /** Which of these orders have a running workflow. */
  findRunning(input: { orderIds: string[] }): Promise<{ orderIds: string[] }>
  /** Makes each finding an event, and what was not repaired a concern. */
  recordFindings(input: { findings: Finding[] }): Promise<void>
  /** Asks Temporal to cancel the order's workflow, so that it closes as Cancelled. */
  requestCancellation(input: { workflowId: string }): Promise<void>
  /** Where to send the parcels; the only activity that hands out an address. */
  loadShippingAddress(input: { orderId: string }): Promise<Address>
}

/** The use cases are the activities: what the interface promises, the orders service does. */
export const createOrdersActivities = (useCases: OrdersActivities): OrdersActivities => useCases
