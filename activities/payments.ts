/** The saga's door to the payments service. */
import type { Finding } from '#contracts/workflows.ts'
import type {
  AuthorizationResult,
  AuthorizePayment,
  PaymentRequest,
} from '#services/payments/authorizations/authorize-payment.ts'
import type { PaymentPart } from '#services/payments/authorizations/plan-authorizations.ts'
import type { Capture, CapturePayment, CapturingResult } from '#services/payments/captures/capture-payment.ts'
import type { CompareProviderLedger } from '#services/payments/reconciliation/compare-provider-ledger.ts'
import type { GiveUpCapture } from '#services/payments/settled-otherwise/give-up-capture.ts'
import type { GiveUpRefund } from '#services/payments/settled-otherwise/give-up-refund.ts'
import type { KeepAuthorization } from '#services/payments/authorizations/keep-authorization.ts'
import type { Refunding, RefundingResult, RefundPayment } from '#services/payments/refunds/refund-payment.ts'
import type { ReleaseParcelPayment } from '#services/payments/authorizations/release-parcel-payment.ts'
import type { RenewAuthorization } from '#services/payments/authorizations/renew-authorization.ts'
import type { Renewal } from '#services/payments/authorizations/renew.ts'
import type { SettleUnknownPayments } from '#services/payments/reconciliation/settle-unknown-payments.ts'
import type { VoidPayment } from '#services/payments/authorizations/void-payment.ts'

export type { AuthorizationResult, Capture, PaymentPart, PaymentRequest, Refunding }

export interface PaymentsActivities {
  /** Authorizes the order's money. An unknown outcome is a retryable failure: the next try asks the provider. */
  authorizePayment(input: PaymentRequest): Promise<AuthorizationResult>
  /** Releases what is authorized; leaves a tombstone against a late authorization; settles unknown outcomes first. */
  voidPayment(input: { orderId: string }): Promise<void>
  /** Captures one parcel's share; a repeat for the same shipment gives the same answer. */
  capturePayment(input: Capture): Promise<CapturingResult>
  /**
   * Makes this request's authorization the order's one and releases every other: the end of an amendment, either way.
   * `givenUp` is the request that must not come into effect any more, not even late.
   */
  keepAuthorization(input: { orderId: string; request: number; givenUp?: number }): Promise<void>
  /** Sees to it that what is authorized lasts until then; authorizes anew where it would not. */
  renewAuthorization(input: { orderId: string; until: string }): Promise<Renewal>
  /** Releases the share of a parcel that was given up, where the provider can; the rest goes with `voidPayment`. */
  releaseParcelPayment(input: { orderId: string; shipmentId: string }): Promise<void>
  /** Gives money back, once per `refundId`. */
  refundPayment(input: Refunding): Promise<RefundingResult>
  /** An operator has collected the parcel's share otherwise: it is not captured any more, whatever else comes of it is said. */
  giveUpCapture(input: Capture): Promise<void>
  /** An operator has paid it back otherwise: it does not go back any more, whatever else comes of it is said. */
  giveUpRefund(input: Refunding): Promise<void>
  /** Asks the provider about every outcome that has been unknown for long. */
  settleUnknownPayments(): Promise<Finding[]>
  /** Compares the provider's books with ours. */
  compareProviderLedger(): Promise<Finding[]>
}

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
