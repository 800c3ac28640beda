import { PAYMENT_METHOD } from '#contracts/http/orders.ts'
import { ProblemError } from '#platform/problem.ts'

/** @throws ProblemError `payment_method_unknown` for what is no token; it is not repeated, since it may be a card number */
export function assertPaymentMethod(paymentMethod: string): void {
  if (PAYMENT_METHOD.test(paymentMethod)) return
  throw new ProblemError('payment_method_unknown', 'The payment method is not a token of the provider.', {
    errors: [{ path: 'paymentMethod', message: 'is not a token of the payment provider' }],
  })
}
