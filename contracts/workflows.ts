/** What crosses into and out of workflows: names, inputs, results, updates, queries and search attributes. */
import type { Allocation, SkuQuantity } from './schemas.ts'
import type { ScanStatus } from './http/shipping.ts'
import type { OrderStatus, ShipmentStatus } from './states.ts'

export const ORDER_WORKFLOW = 'order'
export const SHIPMENT_WORKFLOW = 'shipment'

export const orderWorkflowId = (orderId: string): string => `order-${orderId}`
export const shipmentWorkflowId = (shipmentId: string): string => `shipment-${shipmentId}`

/**
 * The id of an order's n-th parcel, a UUID made from the order's. It is derived, so that a workflow that is reset finds
 * the parcels it had booked instead of booking others.
 */
export function shipmentIdOf(orderId: string, parcel: number): string {
  const tail = Number.parseInt(orderId.slice(-4), 16) ^ (parcel + 1)
  return `${orderId.slice(0, -4)}${tail.toString(16).padStart(4, '0')}`
}

/** How hard the saga tries; recorded in the input, so that a change of configuration never touches a running order. */
export interface SagaPolicy {
  /** Attempts of a forward step before the saga gives up and compensates. */
  stepAttempts: number
  /** Attempts of a compensation before an operator is asked. */
  compensationAttempts: number
  /** Seconds between attempts at the most. */
  maximumIntervalSeconds: number
}

export interface OrderWorkflowLine extends SkuQuantity {
  /** The line's net total and tax, minor units. */
  total: number
  tax: number
}

export interface OrderInput {
  orderId: string
  number: string
  customerId: string
  currency: string
  total: number
  shipping: number
  shippingTax: number
  lines: OrderWorkflowLine[]
  paymentMethod: string
  policy: SagaPolicy
}

/** Business endings are results. */
export type OrderResult =
  { status: 'completed'; parcels: ShipmentResult[] } | { status: 'rejected'; reason: RejectionReason }

export type RejectionReason = 'out_of_stock' | 'fraud' | 'declined' | 'technical' | 'expired'

export interface ShipmentInput {
  shipmentId: string
  orderId: string
  customerId: string
  number: string
  warehouse: string
  lines: SkuQuantity[]
  policy: SagaPolicy
}

export interface ShipmentResult {
  shipmentId: string
  warehouse: string
  status: Extract<ShipmentStatus, 'delivered' | 'lost' | 'cancelled'>
}

/** Signal `parcelDispatched` to the order workflow: this parcel has left, its part of the money is due. */
export interface ParcelDispatched {
  shipmentId: string
  at: string
}

/** Update `cancel` of the order workflow. */
export interface CancelCommand {
  by: string
  reason: string | null
}

/** Update `operate` of the order workflow: an operator answers what the order waits for. */
export interface OperateCommand {
  action: 'retry' | 'resolve'
  by: string
  note: string
}

/** Update `report` of the shipment workflow: where the parcel is now, by a courier's scan or the carrier. */
export interface ParcelReport {
  status: ScanStatus
  at: string
  source: 'courier' | 'carrier'
}

/** What an order waits for when it needs an operator. */
export interface AttentionState {
  step: string
  operation: string
  error: string
  attempts: number
  since: string
}

/** Query `progress` of the order workflow. */
export interface OrderProgress {
  status: OrderStatus
  step: string
  attention: AttentionState | null
  parcels: Allocation[]
}

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

/** Types of non-retryable failures. A refusal is an answer, not an error; these end a step for good. */
export const FAILURE = {
  sagaFailed: 'SagaFailedError',
  refused: 'Refused',
  paymentInFlight: 'PaymentInFlight',
  outcomeUnknown: 'PaymentOutcomeUnknown',
} as const

/** The Temporal header and HTTP header that carry the W3C trace context. */
export const TRACE_HEADER = 'traceparent'
