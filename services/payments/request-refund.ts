/** An operator gives money back by hand. */
import { Refund as RefundContract } from '#contracts/http/payments.ts'
import { ApplicationFailure } from '@temporalio/common'
import { once, updateIdOf, type Command } from '#platform/idempotency.ts'
import { notFound, ProblemError } from '#platform/problem.ts'
import { parser } from '#platform/validation.ts'
import { createCarryOutRefund } from './carry-out-refund.ts'
import type { PaymentsDependencies } from './execute-attempt.ts'
import { ProviderUnreachableError } from './failures.ts'
import { presentRefund } from './present-payment.ts'
import type { Refund } from './refund.ts'
import { beginRefund, type RefundRefusal } from './refund-payment.ts'
import type { Store } from './store.ts'

export interface RefundRequest {
  orderId: string
  /** Minor units; everything that is left without it. */
  amount?: number
  reason: string
}

const REFUSALS: Record<RefundRefusal, string> = {
  payment_not_captured: 'Nothing of this payment was captured.',
  payment_disputed: "The customer's bank decides about this payment.",
  refund_exceeds_captured: 'That is more than what was captured and not given back.',
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
   * @throws ProblemError `not_found`, `payment_not_captured`, `payment_disputed`, `refund_exceeds_captured`,
   * `refund_refused`, or what `once` throws; then nothing has gone back
   */
  return async function requestRefund({ orderId, amount, reason }: RefundRequest, command: Command) {
    const { body, replayed } = await once(database, command, async (finish) => {
      const begun = await dependencies.transact(async (tx) => {
        const [payment] = await tx.$queryRaw<{ id: string }[]>`
          SELECT id FROM payments WHERE order_id = ${orderId}::uuid AND currency IS NOT NULL`
        if (payment === undefined) throw notFound('order with a payment')
        return beginRefund(tx, orderId, {
          reference: updateIdOf(command),
          kind: 'goodwill',
          amount: amount ?? 'all',
          reason,
        })
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
