import { refusals } from '../shared/refusal.ts'

export const CARRIER_REFUSALS = {
  booking_dispatched: { status: 409, title: 'The parcel has left' },
  booking_transition_refused: { status: 409, title: 'The parcel cannot go there from where it is' },
} as const

export const refuse = refusals(CARRIER_REFUSALS)
