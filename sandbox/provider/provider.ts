/** The provider itself: what it does, by the rules of money, and what goes wrong with the sandbox's methods. */
import { randomBytes, randomUUID } from 'node:crypto'
import { ProblemError } from '#platform/problem.ts'
import type { RunningRequest } from '../shared/idempotency.ts'
import type { KeyedRequest, StoredAnswer } from '../shared/ledger-entries.ts'
import type { Pause } from '../shared/pause.ts'
import type { Refusal } from '../shared/refusal.ts'
import { leftOf, type Authorization } from './authorization.ts'
import type { Book } from './book.ts'
import type { RequestedEffect } from './ledger-entries.ts'
import { findPaymentMethod, type Fault } from './payment-methods.ts'
import { refuse } from './refusals.ts'

const FAILURES_BEFORE_OK = 2

export interface AuthorizeInput {
  amount: number
  currency: string
  paymentMethod: string
  reference: string
  customer?: string
}

export interface ProviderOptions {
  book: Book
  pause: Pause
  multicapture: boolean
  authorizationMs: number
  hangMs: number
  slowMs: number
}

export type Provider = ReturnType<typeof createProvider>

export function createProvider({
  book,
  pause,
  multicapture,
  authorizationMs,
  hangMs,
  slowMs,
}: ProviderOptions) {
  async function failFirst(fault: Fault | undefined, reference: string): Promise<void> {
    if (fault === 'slow') await pause(slowMs)
    if (fault !== 'error_then_ok' || book.failuresOf(reference) >= FAILURES_BEFORE_OK) return
    book.record({ type: 'failure', at: new Date().toISOString(), reference })
    throw refuse('provider_error', 'Nothing was executed.')
  }

  return {
    /** Declines answer 402 with the authorization. */
    async authorize(input: AuthorizeInput, request: RunningRequest): Promise<StoredAnswer> {
      const method = findPaymentMethod(input.paymentMethod)
      if (method === undefined) {
        throw new ProblemError('payment_method_unknown', 'There is no such payment method.')
      }
      const { outcome, fault } = method
      await failFirst(fault, input.reference)
      const now = Date.now()
      const effect: RequestedEffect = {
        type: 'authorization',
        at: new Date(now).toISOString(),
        authorizationId: `auth_${randomUUID()}`,
        ...input,
        status: typeof outcome === 'string' ? outcome : 'declined',
        expiresAt: new Date(now + authorizationMs).toISOString(),
        ...(typeof outcome === 'string' ? {} : { declineCode: outcome.declined }),
        ...(outcome === 'requires_action' ? { actionToken: randomBytes(24).toString('base64url') } : {}),
      }
      const failed =
        fault === 'error_after_charge'
          ? request.refusalAnswer(refuse('provider_error', 'Whether it was executed is for you to find out.'))
          : undefined
      const news = outcome === 'requires_action' ? undefined : effect.status
      const answer = book.settle(request, effect, news, failed)
      if (fault === 'timeout_after_charge') await pause(hangMs)
      return answer
    },

    capture(id: string, input: { amount: number; final?: boolean }, request: RunningRequest): StoredAnswer {
      const authorization = book.find(id)
      assertUsable(authorization)
      if (Date.now() >= Date.parse(authorization.expiresAt)) throw expired()
      if (hasFault(authorization, 'capture_fails')) {
        throw refuse('capture_failed', 'The bank refuses captures until POST /faults/clear.')
      }
      const left = leftOf(authorization)
      const { amount } = input
      if (amount > left) throw refuse('capture_exceeds_authorized', `${left} is left of the authorization.`)
      const last = input.final === true || !multicapture
      const effect: RequestedEffect = {
        type: 'capture',
        ...about(authorization),
        operationId: `cap_${randomUUID()}`,
        amount,
        released: last ? left - amount : 0,
      }
      return book.settle(request, effect, 'captured')
    },

    /** Releases what is not captured; gives up an authorization that the customer has not approved. */
    void(id: string, request: RunningRequest): StoredAnswer {
      const authorization = book.find(id)
      const waits = authorization.status === 'requires_action'
      if (!waits) assertUsable(authorization)
      const amount = leftOf(authorization)
      if (amount === 0 && !waits) throw refuse('nothing_to_void', 'Everything is captured or released.')
      if (hasFault(authorization, 'void_fails')) {
        throw refuse('provider_error', 'Nothing was voided; voids fail until POST /faults/clear.')
      }
      const operationId = `void_${randomUUID()}`
      return book.settle(request, { type: 'void', ...about(authorization), operationId, amount }, 'voided')
    },

    refund(id: string, input: { amount: number; reason?: string }, request: RunningRequest): StoredAnswer {
      const authorization = book.find(id)
      assertUsable(authorization)
      const most = authorization.captured - authorization.refunded
      if (input.amount > most) throw refuse('refund_exceeds_captured', `${most} can be refunded.`)
      const operationId = `ref_${randomUUID()}`
      return book.settle(
        request,
        { type: 'refund', ...about(authorization), operationId, ...input },
        'refunded',
      )
    },

    /** Keeps the refusal of an operation for repeats of its key. */
    recordRefusal(id: string, request: KeyedRequest, { code }: Refusal): void {
      book.record({ type: 'refusal', ...about(book.find(id)), code, request })
    },

    /** What a person answered on the page; changes nothing when there is nothing to answer any more. */
    authenticate(token: string, approved: boolean): void {
      const authorization = book.findByActionToken(token)
      if (authorization.status !== 'requires_action') return
      const effect = { type: 'authentication' as const, ...about(authorization), approved }
      book.happen(effect, approved ? 'authorized' : 'declined')
    },

    /** The customer's bank takes captured money back, all of it without an amount; or decides about what it took. */
    dispute(id: string, input: { amount?: number; outcome?: 'opened' | 'won' | 'lost' }): void {
      const authorization = book.find(id)
      const { outcome = 'opened' } = input
      const open = authorization.disputes.find(({ status }) => status === 'open')
      if (outcome !== 'opened') {
        if (open === undefined) throw refuse('no_dispute_open', 'There is nothing to decide.')
        const effect = {
          type: 'dispute',
          ...about(authorization),
          disputeId: open.id,
          amount: open.amount,
          outcome,
        } as const
        return book.happen(effect, `dispute_${outcome}`)
      }
      const amount = input.amount ?? authorization.captured
      if (open !== undefined) throw refuse('dispute_open', 'The last dispute is not decided yet.')
      if (amount === 0 || amount > authorization.captured)
        throw refuse('dispute_exceeds_captured', `${authorization.captured} was captured.`)
      const disputeId = `dp_${randomUUID()}`
      book.happen({ type: 'dispute', ...about(authorization), disputeId, amount, outcome }, 'disputed')
    },

    /** Ends the capture and void faults of every authorization there is; new ones have them again. */
    clearFaults(): void {
      book.record({ type: 'faults_cleared', at: new Date().toISOString() })
    },
  }
}

const about = ({ id, reference }: Authorization) => ({
  at: new Date().toISOString(),
  authorizationId: id,
  reference,
})

const hasFault = ({ paymentMethod, healed }: Authorization, fault: Fault): boolean =>
  !healed && findPaymentMethod(paymentMethod)?.fault === fault

const expired = (): Refusal => refuse('authorization_expired', 'Authorize anew.')

function assertUsable({ status }: Authorization): void {
  switch (status) {
    case 'authorized':
      return
    case 'expired':
      throw expired()
    case 'declined':
      throw refuse('authorization_declined', 'There is no money behind it.')
    case 'voided':
      throw refuse('authorization_voided', 'There is no money behind it any more.')
    case 'requires_action':
      throw refuse('authorization_requires_action', 'The customer must approve it first.')
  }
}
