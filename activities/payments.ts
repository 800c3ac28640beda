/** The saga's door to the payments service. */
import type { Finding } from '#contracts/workflows.ts'
import type { AuthorizePayment } from '#services/payments/authorize-payment.ts'
import type { CapturePayment } from '#services/payments/capture-payment.ts'
import type { CompareProviderLedger } from '#services/payments/compare-provider-ledger.ts'
import type { GiveUpCapture } from '#services/payments/give-up-capture.ts'
import type { GiveUpRefund } from '#services/payments/give-up-refund.ts'
import type { KeepAuthorization } from '#services/payments/keep-authorization.ts'
import type { RefundPayment } from '#services/payments/refund-payment.ts'
import type { ReleaseParcelPayment } from '#services/payments/release-parcel-payment.ts'
import type { RenewAuthorization } from '#services/payments/renew-authorization.ts'
import type { SettleUnknownPayments } from '#services/payments/settle-unknown-payments.ts'
import type { VoidPayment } from '#services/payments/void-payment.ts'

export interface AuthorizeInput {
  orderId: string
  customerId: string
  /** Minor units, tax and shipping included. */
  amount: number
  currency: string
  /** The provider's token. */
  paymentMethod: string
  /**
   * Counts what the order asks for, from 1 (the default): a further one is another payment method after a decline, or the
   * whole new total of an amendment. A repeat of one gives its answer again.
   */
  request?: number
  /** How the amount divides into parcels: a provider that captures an authorization only once gets one for each. */
  parts?: PaymentPart[]
}

export interface PaymentPart {
  shipmentId: string
  /** Minor units; the first part carries the shipping cost. All parts sum to the amount. */
  amount: number
}

export type AuthorizeResult =
  /**
   * `expiresAt`: when the authorization ends by itself (ISO 8601), where the provider says so. `capturedOnce`: what is
   * authorized can be captured only once, so that its parts must be the order's parcels.
   */
  | { outcome: 'authorized'; paymentId: string; expiresAt?: string; capturedOnce?: true }
  | { outcome: 'declined'; code: string }
  /** The customer must approve it at this page; then `paymentSettled` comes and the same request has an answer. */
  | { outcome: 'requires_action'; url: string }
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
  /**
   * Makes this request's authorization the order's one and releases every other: the end of an amendment, either way.
   * `givenUp` is the request that must not come into effect any more, not even late.
   */
  keepAuthorization(input: { orderId: string; request: number; givenUp?: number }): Promise<void>
  /** Sees to it that what is authorized lasts until then; authorizes anew where it would not. */
  renewAuthorization(input: { orderId: string; until: string }): Promise<RenewResult>
  /** Releases the share of a parcel that was given up, where the provider can; the rest goes with `voidPayment`. */
  releaseParcelPayment(input: { orderId: string; shipmentId: string }): Promise<void>
  /** Gives money back, once per `refundId`. */
  refundPayment(input: RefundInput): Promise<RefundResult>
  /** An operator has collected the parcel's share otherwise: it is not captured any more, whatever else comes of it is said. */
  giveUpCapture(input: CaptureInput): Promise<void>
  /** An operator has paid it back otherwise: it does not go back any more, whatever else comes of it is said. */
  giveUpRefund(input: RefundInput): Promise<void>
  /** Asks the provider about every outcome that has been unknown for long. */
  settleUnknownPayments(): Promise<Finding[]>
  /** Compares the provider's books with ours. */
  compareProviderLedger(): Promise<Finding[]>
}

export type RenewResult = { outcome: 'valid' } | { outcome: 'declined'; code: string }

export interface RefundInput {
  orderId: string
  /** What it is for: a return's id, a lost parcel's. */
  refundId: string
  /** Minor units. */
  amount: number
  reason: string
  /** Where less is left because more has gone back, that goes back instead of a refusal: be it nothing. */
  orWhatIsLeft?: boolean
}

/** `disputed`, or more than is left of what was captured, are refusals. */
export type RefundResult = { outcome: 'refunded'; amount: number } | { outcome: 'refused'; code: string }

/** The use cases behind the door, in the order of the interface. */
export interface PaymentsUseCases {
  authorizePayment: AuthorizePayment
  voidPayment: VoidPayment
  capturePayment: CapturePayment
  keepAuthorization: KeepAuthorization
  renewAuthorization: RenewAuthorization
  releaseParcelPayment: ReleaseParcelPayment
  refundPayment: RefundPayment
  giveUpCapture: GiveUpCapture
  giveUpRefund: GiveUpRefund
  settleUnknownPayments: SettleUnknownPayments
  compareProviderLedger: CompareProviderLedger
}

/** The activities of the task queue `payments`. */
export const createPaymentsActivities = (useCases: PaymentsUseCases): PaymentsActivities => ({
  authorizePayment: (input) => useCases.authorizePayment(input),
  voidPayment: (input) => useCases.voidPayment(input),
  capturePayment: (input) => useCases.capturePayment(input),
  keepAuthorization: (input) => useCases.keepAuthorization(input),
  renewAuthorization: (input) => useCases.renewAuthorization(input),
  releaseParcelPayment: (input) => useCases.releaseParcelPayment(input),
  refundPayment: (input) => useCases.refundPayment(input),
  giveUpCapture: (input) => useCases.giveUpCapture(input),
  giveUpRefund: (input) => useCases.giveUpRefund(input),
  settleUnknownPayments: () => useCases.settleUnknownPayments(),
  compareProviderLedger: () => useCases.compareProviderLedger(),
})
