import type { PaymentsDependencies } from '../operations/execute-attempt.ts'
import { setTombstone } from '../books/payment.ts'
import { createReleaseAuthorization } from './release-authorization.ts'

export type VoidPayment = ReturnType<typeof createVoidPayment>

export function createVoidPayment(dependencies: PaymentsDependencies) {
  const { transact, provider } = dependencies
  const releaseAuthorization = createReleaseAuthorization(dependencies)

  /**
   * Releases what is authorized of an order's money and not captured. The tombstone is committed first: an authorization
   * that comes later, or is in flight, is released by whoever books it.
   *
   * @throws ApplicationFailure PaymentInFlight or PaymentOutcomeUnknown, to be retried
   */
  return async function voidPayment({ orderId }: { orderId: string }): Promise<void> {
    await transact((tx) => setTombstone(tx, orderId, provider.name))
    await releaseAuthorization(orderId)
  }
}
