import { ApplicationFailure } from '@temporalio/common'
import { FAILURE } from '#contracts/workflows.ts'
import type { Sql } from '#platform/database.ts'
import { latestOf } from '../books/attempt.ts'
import { openOf, wasApproved, type Authorization } from '../books/authorization.ts'
import { readBooks, type Books } from '../books/books.ts'
import {
  createExecuteAttempt,
  settleByReading,
  takeToSend,
  takeUnsettled,
  workOf,
  type PaymentsDependencies,
  type Ticket,
} from '../operations/execute-attempt.ts'
import type { Work } from '../operations/operation.ts'
import { findOrCreatePayment } from '../books/payment.ts'
import { planAuthorizations, type PaymentPart } from './plan-authorizations.ts'
import { createReleaseAuthorization, isToEnd, releasesDue } from './release-authorization.ts'

export interface PaymentRequest {
  orderId: string
  customerId: string
  /** Minor units, tax and shipping included. */
  amount: number
  currency: string
  /** The provider's token. */
  paymentMethod: string
  /**
   * Counts what the order asks for, from 1 (the default): a further one is another payment method after a decline, or the
   * whole new total of an amendment. A repeat of one gives its answer again.
   */
  request?: number
  /** How the amount divides into parcels: a provider that captures an authorization only once gets one for each. */
  parts?: PaymentPart[]
}

export type AuthorizationResult =
  /**
   * `expiresAt`: when the authorization ends by itself (ISO 8601), where the provider says so. `capturedOnce`: what is
   * authorized can be captured only once, so that its parts must be the order's parcels.
   */
  | { outcome: 'authorized'; paymentId: string; expiresAt?: string; capturedOnce?: true }
  | { outcome: 'declined'; code: string }
  /** The customer must approve it at this page; then `paymentSettled` comes and the same request has an answer. */
  | { outcome: 'requires_action'; url: string }
  /** Nothing to pay. */
  | { outcome: 'not_required' }
  /** The payment was voided before this call arrived. */
  | { outcome: 'voided' }

export type AuthorizePayment = ReturnType<typeof createAuthorizePayment>

/** What is to be done next, or the answer. */
type Step =
  | { do: 'answer'; result: AuthorizationResult }
  | { do: 'execute'; ticket: Ticket }
  /** The customer may have approved or refused it by now. */
  | { do: 'look'; work: Work; url: string }
  | { do: 'release' }

export function createAuthorizePayment(dependencies: PaymentsDependencies) {
  const { transact, provider, timings } = dependencies
  const executeAttempt = createExecuteAttempt(dependencies)
  const releaseAuthorization = createReleaseAuthorization(dependencies)

  /**
   * Authorizes an order's money once per request; a repeat gives the same answer, also after a crash or an unknown outcome.
   * A further request replaces one that was declined or waits for the customer; beside one that holds money it is a
   * candidate, which `keepAuthorization` decides about.
   *
   * @throws ApplicationFailure PaymentInFlight or PaymentOutcomeUnknown, to be retried; Refused for another amount
   */
  return async function authorizePayment(order: PaymentRequest): Promise<AuthorizationResult> {
    const looked = new Set<string>()
    for (;;) {
      const step = await transact((tx) => nextStep(tx, order))
      switch (step.do) {
        case 'answer':
          return step.result
        case 'execute': {
          const { id, waiting } = await executeAttempt(step.ticket)
          // what has just been answered need not be looked at again
          if (waiting) looked.add(id)
          break
        }
        case 'look':
          if (looked.has(step.work.attempt.id)) return { outcome: 'requires_action', url: step.url }
          looked.add(step.work.attempt.id)
          await settleByReading(dependencies, step.work)
          break
        case 'release':
          await releaseAuthorization(order.orderId)
      }
    }
  }

  async function nextStep(tx: Sql, order: PaymentRequest): Promise<Step> {
    const payment = await findOrCreatePayment(tx, { ...order, provider: provider.name })
    const books = await readBooks(tx, payment)
    const request = order.request ?? 1
    const known = ofRequest(books, request)
    if (!payment.tombstone) assertSame(books, known, order)
    const unsettled = await takeUnsettled(tx, books, timings)
    if (unsettled !== undefined) return { do: 'execute', ticket: unsettled }
    if (releasesDue(books).length > 0 || isToEnd(payment)) return { do: 'release' }
    if (payment.tombstone) return answer({ outcome: 'voided' })
    if (order.amount === 0) return answer({ outcome: 'not_required' })
    const authorizations =
      known.length > 0
        ? known
        : await planAuthorizations(tx, books, { ...order, request }, provider.capabilities)
    if (authorizations === undefined) return answer({ outcome: 'declined', code: SUPERSEDED })
    // planning may have taken the place of one that waits for the customer
    if (releasesDue(books).length > 0) return { do: 'release' }
    return advance(tx, books, authorizations)
  }

  /** The first of the request's authorizations that is not obtained yet decides. */
  async function advance(tx: Sql, books: Books, asked: Authorization[]): Promise<Step> {
    const refused = asked.find(wasRefused)
    if (refused !== undefined) return answer({ outcome: 'declined', code: refused.code ?? SUPERSEDED })
    const pending = asked.find((authorization) => !wasApproved(authorization))
    if (pending === undefined) return answer(authorized(books, asked, provider.capabilities.multicapture))
    const attempt = latestOf(books.attempts, { operation: 'authorize', authorizationId: pending.id })
    if (attempt === undefined) throw new Error(`nobody asks for the authorization ${pending.id}`)
    if (pending.status === 'requires_action')
      return { do: 'look', work: workOf(books, attempt), url: pending.actionUrl ?? '' }
    return { do: 'execute', ticket: await takeToSend(tx, books, attempt, timings) }
  }
}

/** The error code of a request that a later one has overtaken. */
const SUPERSEDED = 'superseded'

const answer = (result: AuthorizationResult): Step => ({ do: 'answer', result })

const ofRequest = ({ authorizations }: Books, request: number): Authorization[] =>
  authorizations.filter((each) => each.request === request && each.renews === null)

const wasRefused = (authorization: Authorization): boolean =>
  !wasApproved(authorization) &&
  (authorization.status === 'declined' ||
    authorization.status === 'voided' ||
    authorization.standing === 'superseded')

function authorized(
  { payment, authorizations }: Books,
  asked: Authorization[],
  multicapture: boolean,
): AuthorizationResult {
  const { request } = asked[0] ?? {}
  const times = authorizations
    .filter((each) => each.request === request && openOf(each) > 0)
    .flatMap(({ expiresAt }) => (expiresAt === null ? [] : [expiresAt.getTime()]))
  return {
    outcome: 'authorized',
    paymentId: payment.id,
    ...(times.length === 0 ? {} : { expiresAt: new Date(Math.min(...times)).toISOString() }),
    ...(multicapture ? {} : { capturedOnce: true }),
  }
}

function assertSame({ payment }: Books, known: Authorization[], order: PaymentRequest): void {
  const asked = known.reduce((sum, each) => sum + each.amount, 0)
  if (payment.currency === order.currency && (known.length === 0 || asked === order.amount)) return
  throw ApplicationFailure.nonRetryable(
    `this request of order ${order.orderId} was made for another amount`,
    FAILURE.refused,
  )
}
