/** The saga's door to the payments service. */
import type { AuthorizePayment } from '#services/payments/authorize-payment.ts'
import type { CapturePayment } from '#services/payments/capture-payment.ts'
import type { VoidPayment } from '#services/payments/void-payment.ts'

export interface AuthorizeInput {
  orderId: string
  customerId: string
  /** Minor units, tax and shipping included. */
  amount: number
  currency: string
  /** The provider's token. */
  paymentMethod: string
}

export type AuthorizeResult =
  | { outcome: 'authorized'; paymentId: string }
  | { outcome: 'declined'; code: string }
  /** Nothing to pay. */
  | { outcome: 'not_required' }
  /** The payment was voided before this call arrived. */
  | { outcome: 'voided' }

export interface CaptureInput {
  orderId: string
  shipmentId: string
  /** What the parcel's lines cost with tax, minor units. */
  amount: number
  /** The order's shipping cost with tax; added to the first capture only. */
  shipping: number
}

export type CaptureResult = { outcome: 'captured'; captured: number } | { outcome: 'refused'; code: string }

export interface PaymentsActivities {
  /** Authorizes the order's money. An unknown outcome is a retryable failure: the next try asks the provider. */
  authorizePayment(input: AuthorizeInput): Promise<AuthorizeResult>
  /** Releases what is authorized; leaves a tombstone against a late authorization; settles unknown outcomes first. */
  voidPayment(input: { orderId: string }): Promise<void>
  /** Captures one parcel's share; a repeat for the same shipment gives the same answer. */
  capturePayment(input: CaptureInput): Promise<CaptureResult>
}

/** The use cases behind the door, in the order of the interface. */
export interface PaymentsUseCases {
  authorizePayment: AuthorizePayment
  voidPayment: VoidPayment
  capturePayment: CapturePayment
}

/** The activities of the task queue `payments`. */
export const createPaymentsActivities = (useCases: PaymentsUseCases): PaymentsActivities => ({
  authorizePayment: (input) => useCases.authorizePayment(input),
  voidPayment: (input) => useCases.voidPayment(input),
  capturePayment: (input) => useCases.capturePayment(input),
})
