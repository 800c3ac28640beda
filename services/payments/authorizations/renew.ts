/** Takes an authorization's place with a new one of the same method, for what is not captured yet. */
import type { Sql } from '#platform/database.ts'
import { addAttempt, latestOf, nextSequence } from '../books/attempt.ts'
import {
  addAuthorization,
  changeAuthorization,
  supersede,
  wasApproved,
  type Authorization,
} from '../books/authorization.ts'
import { lockBooks, type Books } from '../books/books.ts'
import {
  createExecuteAttempt,
  takeToSend,
  takeUnsettled,
  type PaymentsDependencies,
  type Ticket,
} from '../operations/execute-attempt.ts'
import { createReleaseAuthorization } from './release-authorization.ts'

export type Renewal = { outcome: 'valid' } | { outcome: 'declined'; code: string }

/** The error code where the customer would have to approve it: nobody is there to do that. */
const AUTHENTICATION_REQUIRED = 'authentication_required'

export function createRenew(dependencies: PaymentsDependencies) {
  const { transact, timings } = dependencies
  const executeAttempt = createExecuteAttempt(dependencies)
  const releaseAuthorization = createReleaseAuthorization(dependencies)

  /**
   * The old one is released once the new one is there; when it is refused, everything stays as it was.
   *
   * @throws ApplicationFailure PaymentInFlight or PaymentOutcomeUnknown, to be retried
   */
  return async function renew(orderId: string, old: Authorization): Promise<Renewal> {
    let asked: string | undefined
    for (;;) {
      const step = await transact((tx) => nextStep(tx, orderId, old.id, asked))
      if ('outcome' in step) {
        await releaseAuthorization(orderId)
        return step
      }
      const { operation, authorizationId } = await executeAttempt(step)
      if (operation === 'authorize') asked = authorizationId ?? undefined
    }
  }

  async function nextStep(
    tx: Sql,
    orderId: string,
    oldId: string,
    asked: string | undefined,
  ): Promise<Ticket | Renewal> {
    const books = await lockBooks(tx, orderId)
    const unsettled = await takeUnsettled(tx, books, timings)
    if (unsettled !== undefined) return unsettled
    const old = books.authorizations.find(({ id }) => id === oldId)
    if (old === undefined) throw new Error(`the authorization ${oldId} is gone`)
    const renewals = books.authorizations.filter(({ renews }) => renews === oldId)
    // it may have been done by somebody else meanwhile
    if (old.standing !== 'current' || renewals.some(wasApproved)) return { outcome: 'valid' }
    const tried = renewals.find(({ id }) => id === asked)
    if (tried?.status === 'declined') return { outcome: 'declined', code: tried.code ?? 'declined' }
    if (tried?.status === 'requires_action') {
      await supersede(tx, [tried])
      return { outcome: 'declined', code: AUTHENTICATION_REQUIRED }
    }
    return send(tx, books, old, renewals)
  }

  async function send(tx: Sql, books: Books, old: Authorization, renewals: Authorization[]): Promise<Ticket> {
    const amount = old.amount - old.captured
    const waiting = renewals.find(({ status, standing }) => status === 'created' && standing === 'candidate')
    // planned, never sent, and something was captured since
    if (waiting !== undefined && waiting.amount !== amount)
      await changeAuthorization(tx, waiting, { status: 'declined', code: 'superseded' })
    const planned = waiting?.amount === amount ? waiting : await plan(tx, books, old, amount)
    const attempt = latestOf(books.attempts, { operation: 'authorize', authorizationId: planned.id })
    if (attempt === undefined) throw new Error(`nobody asks for the authorization ${planned.id}`)
    return takeToSend(tx, books, attempt, timings)
  }
}

async function plan(tx: Sql, books: Books, old: Authorization, amount: number): Promise<Authorization> {
  const { request, paymentMethod, shipmentId, carriesShipping } = old
  const planned = await addAuthorization(tx, books.payment, {
    request,
    paymentMethod,
    shipmentId,
    carriesShipping,
    amount,
    sequence: nextSequence(books.attempts, 'authorize'),
    standing: 'candidate',
    renews: old.id,
  })
  books.authorizations.push(planned)
  await addAttempt(tx, books, { operation: 'authorize', amount, authorizationId: planned.id })
  return planned
}
