/** What crosses into and out of workflows: names, inputs, results, updates and queries. */
import type { Allocation, SkuQuantity } from './schemas.ts'
import type { ScanStatus } from './http/shipping.ts'
import type { EventPayload } from './events.ts'
import type { OrderStatus, REJECTION_REASONS, ShipmentStatus } from './states.ts'

export const ORDER_WORKFLOW = 'order'
export const SHIPMENT_WORKFLOW = 'shipment'
export const RECONCILIATION_WORKFLOW = 'reconciliation'

export const orderWorkflowId = (orderId: string): string => `order-${orderId}`
export const shipmentWorkflowId = (shipmentId: string): string => `shipment-${shipmentId}`

/**
 * The id of an order's n-th parcel, a UUID made from the order's. It is derived, so that a workflow that is reset finds
 * the parcels it had booked, and follows their workflows, instead of booking others.
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
  /** Absent in orders that were placed before anybody was waited for. */
  waits?: WaitPolicy
  /** What the order counts for against the spending limit follows what it sells. Absent in orders from before it did. */
  followsSpending?: true
  /** History events after which a run that waits continues as a new one. Absent: when the server suggests it. */
  continueAfterEvents?: number
}

/** How long an order waits for people and things, in seconds, and what follows when they don't come. */
export interface WaitPolicy {
  /** For the customer's answer to a shortage. */
  decisionSeconds: number
  /** For the customer's approval at the bank (3-D Secure), or for another payment method after a decline. */
  paymentSeconds: number
  /** Payment methods that a customer may try in all. */
  paymentTries: number
  /** For stock, when the customer wants to wait for it. */
  backorderSeconds: number
  /** For changes of mind between the confirmation and the first parcel. 0: none are waited for. */
  amendmentSeconds: number
  /** When a parcel is expected to leave at the latest, after it is confirmed; its authorization must outlive this by a day. */
  dispatchSeconds: number
  /** When a dispatched parcel should have arrived; later an operator is told. */
  deliverySeconds: number
  lostParcel: 'reship' | 'refund'
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
  /** What to do when there is not enough stock. Absent (in older orders): the order is rejected. */
  onShortage?: ShortagePolicy
  policy: SagaPolicy
  /** Where a run that continues another one takes its life up again; whoever places an order leaves it out. */
  resume?: OrderResume
}

/** What has become of an order so far: everything that its further way depends on. */
export interface OrderState {
  terms: OrderTerms
  allocations: Allocation[]
  /** The provider's token. */
  paymentMethod: string
  /** The last request of each kind; requests count from 1. */
  requests: { reservation: number; payment: number; revision: number; screening?: number }
  /** The payment request whose authorization is the order's. */
  authorizedBy: number
  /** What it is authorized for, minor units. */
  authorized: number
  /** What is authorized can be captured only once: its parts must be the order's parcels. */
  capturedOnce?: boolean
  /** What it counts for against its customer's spending limit, minor units. */
  counted?: number
  /** When the hold ends by itself, ISO 8601; null where it does not. */
  holdEnds: string | null
  /** When the authorization ends by itself, ISO 8601; null where it does not. */
  authorizationEnds: string | null
}

/** An order between two of its runs. */
export interface OrderResume {
  /** What it waits for: stock, or the end of the time for amendments. */
  point: 'stock' | 'amendments'
  /** Until when, ISO 8601. */
  until: string
  /** It was told of stock that it has not looked for yet. */
  stockHeld?: boolean
  state: OrderState
  journal: JournalState
}

/** What the order's journal knows. */
export interface JournalState {
  status: OrderStatus
  step: string
  /** Step records so far. */
  sequence: number
  /** Moves so far; absent in orders from before they were counted, whose moves stay without numbers. */
  moves?: number
  waitingFor: WaitingFor | null
  story: string[]
  /** An earlier run of the order, since reset, had been further. */
  behind?: true
}

export type ShortagePolicy = 'ask' | 'reject' | 'ship_available' | 'backorder'

/** What is sold now: an order's lines and money after a revision (less is sold than was ordered) or an amendment. */
export interface OrderTerms {
  lines: OrderWorkflowLine[]
  shipping: number
  shippingTax: number
  total: number
}

/** What an order waits for, as its customer is told; `url` is where a payment is approved. */
export interface WaitingFor {
  what: 'shortage_decision' | 'payment_action' | 'payment_method' | 'stock'
  /** ISO 8601 */
  until: string
  url?: string
}

/** Business endings are results. */
export type OrderResult =
  { status: 'completed'; parcels: ShipmentResult[] } | { status: 'rejected'; reason: RejectionReason }

export type RejectionReason = (typeof REJECTION_REASONS)[number]

export interface ShipmentInput {
  shipmentId: string
  orderId: string
  customerId: string
  number: string
  warehouse: string
  lines: SkuQuantity[]
  policy: SagaPolicy
  /** The shipment that was lost and whose place this one takes. */
  replaces?: string
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

/** Update `decide` of the order workflow: the customer's answer to a shortage. */
export interface DecideCommand {
  decision: 'cancel' | 'ship_available' | 'wait'
  by: string
}

/** Update `changePaymentMethod` of the order workflow. */
export interface ChangePaymentMethodCommand {
  /** The provider's token. */
  paymentMethod: string
  by: string
}

/**
 * Update `amend` of the order workflow. What is to change is stored by the orders service under this id: it may contain an
 * address, which no history holds. Resolves when the amendment was applied or refused.
 */
export interface AmendCommand {
  amendmentId: string
  by: string
}

export type AmendResult = { outcome: 'applied' } | { outcome: 'refused'; code: string; message: string }

/** Signal `stockHeld` to the order workflow: the backordered reservation has its stock now. */
export interface StockHeld {
  orderId: string
}

/** Signal `paymentSettled` to the order workflow: the payment that waited for the customer's approval has an outcome. */
export interface PaymentSettled {
  orderId: string
}

/** Signal `cancelShipment` to the shipment workflow: its order was cancelled. It alone says whether that is in time. */
export interface CancelShipmentRequest {
  reason: string
}

/** Signal `parcelKept` to the order workflow: the parcel was to be cancelled, and has left already. */
export interface ParcelKept {
  shipmentId: string
}

/** Signal `parcelEnded` to the order workflow: a parcel that another run of it had sent has come to its end. */
export type ParcelEnded = Pick<ShipmentResult, 'shipmentId' | 'status'>

/** Update `hearOfParcel` of the order workflow: where its parcel is by now. Refused where the order knows. */
export interface ParcelNews {
  shipmentId: string
  status: ShipmentResult['status'] | 'dispatched'
}

/** What a reconciliation brought to light. */
export type Finding = EventPayload<'reconciliation.found'>

/** Update `operate` of the order and the return workflow: an operator answers what it waits for. */
export interface OperateCommand {
  action: 'retry' | 'resolve'
  by: string
  note: string
  /** The `since` of the question that is answered; an answer to an earlier question is refused. Absent: whichever is open. */
  since?: string
  /** What a return asks about, which may ask several things at once. Absent in older commands: whichever is open. */
  operation?: string
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
  waitingFor: WaitingFor | null
  parcels: Allocation[]
}

/** Types of non-retryable failures. A refusal is an answer, not an error; these end a step for good. */
export const FAILURE = {
  sagaFailed: 'SagaFailedError',
  refused: 'Refused',
  paymentInFlight: 'PaymentInFlight',
  outcomeUnknown: 'PaymentOutcomeUnknown',
} as const
