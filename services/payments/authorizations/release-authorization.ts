/** Releases what must not stay authorized: the order was voided, the parcel given up, or another one has taken its place. */
import type { Sql } from '#platform/database.ts'
import type { PaymentStatus } from '#contracts/states.ts'
import { addAttempt, latestOf } from '../books/attempt.ts'
import { openOf, type Authorization } from '../books/authorization.ts'
import { lockBooks, type Books } from '../books/books.ts'
import {
  createExecuteAttempt,
  takeToSend,
  takeUnsettled,
  type PaymentsDependencies,
  type Ticket,
} from '../operations/execute-attempt.ts'
import { recordChange, type Payment } from '../books/payment.ts'

export function createReleaseAuthorization(dependencies: PaymentsDependencies) {
  const { transact, timings } = dependencies
  const executeAttempt = createExecuteAttempt(dependencies)

  /** Settles what is unknown, then releases; does nothing where nothing is to be released. */
  return async function releaseAuthorization(orderId: string): Promise<void> {
    for (;;) {
      const ticket = await transact((tx) => nextStep(tx, orderId))
      if (ticket === undefined) return
      const { operation, status, errorCode } = await executeAttempt(ticket)
      if (operation === 'void' && status === 'declined') {
        throw new Error(`the provider refuses to release the authorization of order ${orderId}: ${errorCode}`)
      }
    }
  }

  async function nextStep(tx: Sql, orderId: string): Promise<Ticket | undefined> {
    const books = await lockBooks(tx, orderId)
    const unsettled = await takeUnsettled(tx, books, timings)
    if (unsettled !== undefined) return unsettled
    const due = releasesDue(books)[0]
    if (due === undefined) {
      await endUnpaid(tx, books)
      return undefined
    }
    const last = latestOf(books.attempts, { operation: 'void', authorizationId: due.id })
    const attempt =
      last?.status === 'created'
        ? last
        : await addAttempt(tx, books, {
            operation: 'void',
            authorizationId: due.id,
            amount: openOf(due) || due.amount,
          })
    return takeToSend(tx, books, attempt, timings)
  }
}

/** The authorizations that must not stay. */
export const releasesDue = ({ payment, authorizations }: Books): Authorization[] =>
  authorizations.filter((authorization) => {
    const { standing, releaseRequested, status } = authorization
    const unwanted = payment.tombstone || standing === 'superseded' || releaseRequested
    return unwanted && (status === 'requires_action' || openOf(authorization) > 0)
  })

/** Whether it was voided and has not ended yet, without any money. */
export const isToEnd = ({ tombstone, status }: Payment): boolean => tombstone && UNPAID.has(status)

const UNPAID = new Set<PaymentStatus>(['created', 'requires_action', 'processing', 'expired'])

/** A voided payment that holds no money ends here: failed where a method was refused, voided otherwise. */
async function endUnpaid(tx: Sql, { payment }: Books): Promise<void> {
  if (isToEnd(payment)) await recordChange(tx, payment, { type: 'payment.voided', amount: 0 })
}
