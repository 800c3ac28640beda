import { GIVEN_UP, markGivenUp } from '../books/attempt.ts'
import { readBooks } from '../books/books.ts'
import type { PaymentsDependencies } from '../operations/execute-attempt.ts'
import { lockPayment } from '../books/payment.ts'
import type { Refunding } from '../refunds/refund-payment.ts'
import { addRefund, markRefund, refundedBy, refundsOf } from '../books/refund.ts'

export type GiveUpRefund = ReturnType<typeof createGiveUpRefund>

export function createGiveUpRefund({ transact }: Pick<PaymentsDependencies, 'transact'>) {
  /**
   * An operator has paid it back otherwise: nobody does so any more, not even who is at it. What is under way or unknown is
   * only asked about; should the provider have given it back, that is booked and said. A repeat changes nothing.
   */
  return async function giveUpRefund(refunding: Refunding): Promise<void> {
    const { orderId, refundId: reference, amount, reason } = refunding
    if (amount === 0) return
    await transact(async (tx) => {
      const payment = await lockPayment(tx, orderId)
      if (payment === undefined) return
      const { attempts } = await readBooks(tx, payment)
      const known = (await refundsOf(tx, payment.id)).find((each) => each.reference === reference)
      const refund = known ?? (await addRefund(tx, payment.id, { reference, kind: 'order', amount, reason }))
      const own = attempts.filter(({ refundId }) => refundId === refund.id)
      if (own.some(({ givenUp }) => givenUp)) return
      const whole = refundedBy(own, refund) === refund.amount
      // of one that stopped half-way the operator has paid the rest: what had gone back before went back once
      const paid = whole ? own : own.filter(({ status }) => status !== 'succeeded')
      for (const attempt of paid) await markGivenUp(tx, attempt)
      // what has attempts that are open or refused ends by itself, once they are all known
      if (paid.length === 0) await markRefund(tx, refund, 'refused', GIVEN_UP)
    })
  }
}
