/** An operator gives money back by hand. */
import { Refund as RefundContract } from '#contracts/http/payments.ts'
import { ApplicationFailure } from '@temporalio/common'
import type { Sql } from '#platform/database.ts'
import { once, updateIdOf, type Command } from '#platform/idempotency.ts'
import { notFound, ProblemError } from '#platform/problem.ts'
import { parser } from '#platform/validation.ts'
import { createCarryOutRefund } from './carry-out-refund.ts'
import type { PaymentsDependencies } from '../operations/execute-attempt.ts'
import { ProviderUnreachableError } from '../operations/failures.ts'
import { presentRefund } from '../present-payment.ts'
import type { Refund } from '../books/refund.ts'
import { beginRefund, describeLeft, type RefundRefusal } from './refund-payment.ts'
import type { Store } from '../store.ts'

export interface RefundRequest {
  orderId: string
  /** Minor units; everything that is left without it. */
  amount?: number
  reason: string
  /** The version of the order that the operator has seen, and the one that it has: the orders service knows that. */
  ifMatch?: number | undefined
  currentVersion?: number | undefined
}

const REFUSALS: Record<Exclude<RefundRefusal, 'refund_exceeds_captured'>, string> = {
  payment_not_captured: 'Nothing of this payment was captured.',
  payment_disputed: "The customer's bank decides about this payment.",
}

const parseRefund = parser('the stored refund', RefundContract)

export type RequestRefund = ReturnType<typeof createRequestRefund>

export function createRequestRefund({
  database,
  ...dependencies
}: PaymentsDependencies & { database: Store }) {
  const carryOutRefund = createCarryOutRefund(dependencies)

  /**
   * Gives money back, once per command. Where the provider does not answer in time the refund is `pending` and is carried
   * out by those who settle what is open.
   *
   * @throws ProblemError `stale_version`, `not_found`, `payment_not_captured`, `payment_disputed`, `refund_exceeds_captured`,
   * `refund_refused`, or what `once` throws; then nothing has gone back
   */
  return async function requestRefund(request: RefundRequest, command: Command) {
    const { orderId, amount, reason } = request
    const { body, replayed } = await once(database, command, async (finish) => {
      const begun = await dependencies.transact(async (tx) => {
        const reference = updateIdOf(command)
        const payment = await findPayment(tx, orderId, reference)
        // what an earlier try of this command has begun stays begun: it has changed the order's version itself
        if (payment?.begun !== true) assertVersion(request)
        if (payment === undefined) throw notFound('order with a payment')
        const refund = await beginRefund(tx, orderId, {
          reference,
          kind: 'goodwill',
          amount: amount ?? 'all',
          reason,
          requestedBy: command.caller,
        })
        if (refund === 'refund_exceeds_captured')
          throw new ProblemError(refund, await describeLeft(tx, orderId))
        return refund
      })
      if (typeof begun === 'string') throw new ProblemError(begun, REFUSALS[begun])
      const refund = await carriedOut(orderId, begun)
      if (refund.status === 'refused')
        throw new ProblemError('refund_refused', `The provider refuses: ${refund.code ?? 'no reason given'}.`)
      const answer = { status: 201, body: presentRefund(refund) }
      await dependencies.transact((tx) => finish(tx, answer))
      return answer
    })
    return { refund: parseRefund(body), replayed }
  }

  async function carriedOut(orderId: string, begun: Refund): Promise<Refund> {
    try {
      return await carryOutRefund(orderId, begun.id)
    } catch (error) {
      // not known, not sent, or something else is under way: it is promised, and will be carried out
      if (error instanceof ApplicationFailure || error instanceof ProviderUnreachableError) return begun
      throw error
    }
  }
}

/** The order's payment, and whether it has the refund with this reference. One that was given up unasked counts. */
async function findPayment(
  tx: Sql,
  orderId: string,
  reference: string,
): Promise<{ begun: boolean } | undefined> {
  const [payment] = await tx.$queryRaw<{ begun: boolean }[]>`
    SELECT EXISTS (SELECT FROM refunds WHERE payment_id = payments.id AND reference = ${reference}) AS begun
    FROM payments WHERE order_id = ${orderId}::uuid`
  return payment
}

/** A version that nobody has told is stale: the order may be anything by now. */
function assertVersion({ ifMatch, currentVersion }: RefundRequest): void {
  if (ifMatch === undefined || ifMatch === currentVersion) return
  const version =
    currentVersion === undefined ? 'a version that is not known here' : `version ${currentVersion}`
  throw new ProblemError('stale_version', `The order is at ${version}.`)
}
