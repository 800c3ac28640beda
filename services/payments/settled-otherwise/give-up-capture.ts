import { addAttempt, GIVEN_UP, latestOf, markGivenUp, type Attempt } from '../books/attempt.ts'
import { readBooks, type Books } from '../books/books.ts'
import { authorizationFor, dueFor, type Capture } from '../captures/capture-payment.ts'
import type { Sql } from '#platform/database.ts'
import type { PaymentsDependencies } from '../operations/execute-attempt.ts'
import { bookReceivable } from '../operations/capture.ts'
import { lockPayment } from '../books/payment.ts'

export type GiveUpCapture = ReturnType<typeof createGiveUpCapture>

export function createGiveUpCapture({ transact }: Pick<PaymentsDependencies, 'transact'>) {
  /**
   * An operator has collected a parcel's share otherwise: it is owed, and nobody captures it any more, not even who is at it.
   * What is under way or unknown is only asked about; should the provider have captured it, that is booked and said. A repeat
   * changes nothing.
   */
  return async function giveUpCapture(parcel: Capture): Promise<void> {
    await transact(async (tx) => {
      const payment = await lockPayment(tx, parcel.orderId)
      // without a currency it was voided before anything was known of it: nothing could be owed
      if (payment === undefined || payment.currency === null) return
      const books = await readBooks(tx, payment)
      const { shipmentId } = parcel
      const own =
        latestOf(books.attempts, { operation: 'capture', shipmentId }) ?? (await addOwed(tx, books, parcel))
      if (own === undefined) return
      await markGivenUp(tx, own)
      if (own.status === 'created' || own.status === 'declined') await bookReceivable(tx, payment, own)
    })
  }
}

/** What has never been tried is refused before somebody who is late tries it. */
async function addOwed(tx: Sql, books: Books, parcel: Capture): Promise<Attempt | undefined> {
  const { shipmentId } = parcel
  const authorization = authorizationFor(books, shipmentId)
  const due = dueFor(parcel, books, authorization)
  if (due.amount === 0) return undefined
  const authorizationId = authorization?.id ?? null
  return addAttempt(tx, books, {
    operation: 'capture',
    shipmentId,
    amount: due.amount,
    shipping: due.shipping,
    authorizationId,
    refusal: GIVEN_UP,
  })
}
