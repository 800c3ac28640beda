import type { RejectionReason } from '#contracts/workflows.ts'
import { compose, seeOrder, type Message, type OrderFacts } from './message.ts'

/** Why, in the customer's words; null: the customer is not told. Codes of newer processes are not told either. */
const REASONS: Readonly<Record<RejectionReason, string | null>> = {
  out_of_stock: 'we do not have the goods in stock any more',
  declined: 'the payment was declined',
  expired: 'we waited for an answer that did not come in time',
  fraud: null,
  technical: null,
}
const WORDS: ReadonlyMap<string, string | null> = new Map(Object.entries(REASONS))

export function orderRejected({
  name,
  number,
  link,
  reason,
}: OrderFacts & { reason: string | null }): Message {
  const because = WORDS.get(reason ?? '') ?? null
  return compose(
    `We could not accept your order ${number}`,
    [
      `Dear ${name},`,
      because === null
        ? `we could not accept your order ${number}.`
        : `we could not accept your order ${number}: ${because}.`,
      'You have not been charged.',
    ],
    seeOrder({ link }),
  )
}
