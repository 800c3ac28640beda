/** The payment methods of the sandbox: Stripe's test tokens where Stripe has one, `pm_sandbox_…` for faults. */

export type DeclineCode = 'card_declined' | 'insufficient_funds' | 'authentication_failed'

/** What goes wrong, and when. */
export type Fault =
  'timeout_after_charge' | 'error_after_charge' | 'error_then_ok' | 'slow' | 'capture_fails' | 'void_fails'

export interface PaymentMethod {
  brand: string
  last4: string
  outcome: 'authorized' | 'requires_action' | { declined: DeclineCode }
  fault?: Fault
}

const visa = (last4: string, rest: Partial<PaymentMethod> = {}): PaymentMethod => ({
  brand: 'visa',
  last4,
  outcome: 'authorized',
  ...rest,
})

const METHODS: ReadonlyMap<string, PaymentMethod> = new Map([
  ['pm_card_visa', visa('4242')],
  ['pm_card_mastercard', { brand: 'mastercard', last4: '4444', outcome: 'authorized' }],
  ['pm_card_visa_chargeDeclined', visa('0002', { outcome: { declined: 'card_declined' } })],
  [
    'pm_card_visa_chargeDeclinedInsufficientFunds',
    visa('9995', { outcome: { declined: 'insufficient_funds' } }),
  ],
  ['pm_card_authenticationRequired', visa('3184', { outcome: 'requires_action' })],
  ['pm_sandbox_timeout_after_charge', visa('1001', { fault: 'timeout_after_charge' })],
  ['pm_sandbox_error_after_charge', visa('1002', { fault: 'error_after_charge' })],
  ['pm_sandbox_error_then_ok', visa('1003', { fault: 'error_then_ok' })],
  ['pm_sandbox_slow', visa('1004', { fault: 'slow' })],
  ['pm_sandbox_capture_fails', visa('1005', { fault: 'capture_fails' })],
  ['pm_sandbox_void_fails', visa('1006', { fault: 'void_fails' })],
])

export const findPaymentMethod = (id: string): PaymentMethod | undefined => METHODS.get(id)
