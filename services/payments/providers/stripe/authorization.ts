/** A PaymentIntent, with its refunds and disputes, in the platform's words. */
import type { ProviderAuthorization, ProviderDispute } from '../provider.ts'
import { codeOf } from './outcome.ts'
import type { Dispute, PaymentIntent, Refund } from './schemas.ts'

export interface Parts {
  intent: PaymentIntent
  refunds: readonly Refund[]
  disputes: readonly Dispute[]
}

/** @throws Error while Stripe has no outcome itself */
export function toAuthorization({ intent, refunds, disputes }: Parts): ProviderAuthorization {
  const { id, amount, status, metadata } = intent
  const charge = chargeOf(intent)
  const captured = charge?.amount_captured ?? 0
  const approved = status === 'requires_capture' || status === 'succeeded' || captured > 0
  const wasApproved = approved || (status === 'canceled' && charge?.paid === true)
  const card = charge?.payment_method_details?.card
  return {
    id,
    reference: metadata['reference'] ?? '',
    state: approved ? 'approved' : STATES[status](intent),
    amount,
    captured,
    refunded: refunds.filter(gaveBack).reduce((sum, refund) => sum + refund.amount, 0),
    released: wasApproved ? amount - captured - intent.amount_capturable : 0,
    brand: card?.brand ?? null,
    last4: card?.last4 ?? null,
    declineCode: declineOf(intent),
    actionUrl: actionUrlOf(intent),
    expiresAt: card?.capture_before ? new Date(card.capture_before * 1000).toISOString() : null,
    disputes: disputes.flatMap(toDispute),
  }
}

const STATES: Record<PaymentIntent['status'], (intent: PaymentIntent) => ProviderAuthorization['state']> = {
  requires_payment_method: () => 'declined',
  requires_confirmation: () => 'declined',
  // without a page nobody can ever approve it
  requires_action: (intent) => (actionUrlOf(intent) === null ? 'declined' : 'requires_action'),
  processing: ({ id }) => {
    throw new Error(`${id} is being processed`)
  },
  requires_capture: () => 'approved',
  succeeded: () => 'approved',
  canceled: () => 'closed',
}

const chargeOf = ({ latest_charge: charge }: PaymentIntent) =>
  typeof charge === 'object' && charge !== null ? charge : undefined

/** The bank's page; Stripe gives one where `return_url` was sent. */
const actionUrlOf = ({ next_action: action }: PaymentIntent): string | null => {
  const url = action?.redirect_to_url?.url
  return url !== undefined && url !== null && /^https?:\/\//.test(url) ? url : null
}

function declineOf(intent: PaymentIntent): string | null {
  if (intent.status === 'requires_action' && actionUrlOf(intent) === null) return 'authentication_required'
  if (intent.status !== 'requires_payment_method') return null
  return codeOf(intent.last_payment_error ?? {})
}

/**
 * Whether money went back. Stripe lists the release of what was never captured as a refund too: that one touches no balance,
 * and does not carry our key.
 */
function gaveBack({ status, balance_transaction: balance, metadata }: Refund): boolean {
  if (status === 'failed' || status === 'canceled') return false
  return metadata?.['key'] !== undefined || (balance !== undefined && balance !== null)
}

/** Inquiries (`warning_…`) move no money. */
function toDispute({ id, amount, status }: Dispute): ProviderDispute[] {
  if (status === 'won' || status === 'lost') return [{ id, amount, status }]
  return status === 'needs_response' || status === 'under_review' ? [{ id, amount, status: 'open' }] : []
}
