import { changeAuthorization } from '../books/authorization.ts'
import { lockBooks } from '../books/books.ts'
import type { PaymentsDependencies } from '../operations/execute-attempt.ts'
import { createReleaseAuthorization } from './release-authorization.ts'

export interface ParcelGivenUp {
  orderId: string
  shipmentId: string
}

export type ReleaseParcelPayment = ReturnType<typeof createReleaseParcelPayment>

export function createReleaseParcelPayment(dependencies: PaymentsDependencies) {
  const releaseAuthorization = createReleaseAuthorization(dependencies)

  /**
   * Releases the authorization that was made for this parcel. Where one authorization serves all parcels (multicapture)
   * there is none: no provider gives a part of one back, so the rest goes with `voidPayment` at the order's end.
   *
   * @throws ApplicationFailure PaymentInFlight or PaymentOutcomeUnknown, to be retried
   */
  return async function releaseParcelPayment({ orderId, shipmentId }: ParcelGivenUp): Promise<void> {
    const own = await dependencies.transact(async (tx) => {
      const { authorizations } = await lockBooks(tx, orderId)
      const ofParcel = authorizations.filter((each) => each.shipmentId === shipmentId)
      for (const each of ofParcel) await changeAuthorization(tx, each, { releaseRequested: true })
      return ofParcel.length
    })
    if (own > 0) await releaseAuthorization(orderId)
  }
}
