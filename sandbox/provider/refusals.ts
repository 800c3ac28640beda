import { refusals } from '../shared/refusal.ts'

/** Every refusal of the provider that is particular to it. 402 and 409 are answers and are repeated for their key. */
export const PROVIDER_REFUSALS = {
  capture_failed: { status: 402, title: 'The bank refused the capture' },
  authorization_declined: { status: 409, title: 'The authorization was declined' },
  authorization_expired: { status: 409, title: 'The authorization has expired' },
  authorization_requires_action: {
    status: 409,
    title: 'The customer has not approved the authorization yet',
  },
  authorization_voided: { status: 409, title: 'The authorization was voided' },
  capture_exceeds_authorized: { status: 409, title: 'More than what is left of the authorization' },
  dispute_exceeds_captured: { status: 409, title: 'More than what was captured' },
  dispute_open: { status: 409, title: 'There is a dispute already' },
  no_dispute_open: { status: 409, title: 'There is no dispute' },
  nothing_to_void: { status: 409, title: 'Nothing of the authorization is left' },
  refund_exceeds_captured: { status: 409, title: 'More than what was captured and not refunded yet' },
  provider_error: { status: 500, title: 'Something went wrong at the provider' },
} as const

export const refuse = refusals(PROVIDER_REFUSALS)
