import { ApplicationFailure } from '@temporalio/common'
import { FAILURE } from '#contracts/workflows.ts'
import type { Sql } from '#platform/database.ts'
import { addAttempt, nextSequence } from '../books/attempt.ts'
import { addAuthorization, openOf, supersede, type Authorization } from '../books/authorization.ts'
import type { Books } from '../books/books.ts'
import { setAmount } from '../books/payment.ts'
import type { PaymentProvider } from '../providers/provider.ts'

export interface Plan {
  amount: number
  paymentMethod: string
  request: number
  parts?: PaymentPart[]
}

export interface PaymentPart {
  shipmentId: string
  /** Minor units; the first part carries the shipping cost. All parts sum to the amount. */
  amount: number
}

/**
 * Writes down the authorizations that a request needs, each with its attempt: one for the whole, or one for each parcel
 * where the provider captures an authorization only once. The first one carries the shipping.
 *
 * @returns undefined when the request comes too late
 */
export async function planAuthorizations(
  tx: Sql,
  books: Books,
  { amount, paymentMethod, request, parts }: Plan,
  { multicapture }: PaymentProvider['capabilities'],
): Promise<Authorization[] | undefined> {
  const { payment, authorizations } = books
  const overtaken = authorizations.some((other) => other.request > request)
  if (overtaken || request <= payment.closedRequest) return undefined
  const standing = holdsMoney(books) ? 'candidate' : 'current'
  if (standing === 'current') {
    await supersede(tx, authorizations)
    books.authorizations = authorizations.map((each) => ({ ...each, standing: 'superseded' }))
    books.payment = await setAmount(tx, payment, { amount, paymentMethod })
  }
  const shares = multicapture || parts === undefined ? [{ shipmentId: null, amount }] : parts
  assertSum(shares, amount)
  const planned: Authorization[] = []
  for (const [index, share] of shares.filter((each) => each.amount > 0).entries()) {
    const authorization = await addAuthorization(tx, payment, {
      request,
      sequence: nextSequence(books.attempts, 'authorize'),
      standing,
      paymentMethod,
      carriesShipping: index === 0,
      ...share,
    })
    planned.push(authorization)
    books.authorizations.push(authorization)
    await addAttempt(tx, books, {
      operation: 'authorize',
      amount: share.amount,
      authorizationId: authorization.id,
    })
  }
  return planned
}

/** Whether a new authorization stands beside one that counts, or has the place for itself. */
function holdsMoney({ payment, authorizations }: Books): boolean {
  const counts = authorizations.some(
    (each) => each.captured > 0 || (each.standing === 'current' && openOf(each) > 0),
  )
  // an order that costs nothing stays as it is until the change is certain
  return counts || payment.status === 'not_required'
}

function assertSum(shares: { amount: number }[], amount: number): void {
  if (shares.reduce((sum, share) => sum + share.amount, 0) === amount) return
  throw ApplicationFailure.nonRetryable('the parts of the payment do not sum to it', FAILURE.refused)
}
