import { compose, seeOrder, type Message, type OrderFacts } from './message.ts'

/** Why, in the customer's words; a code that is not here is not told. */
const REASONS: Readonly<Record<string, string>> = {
  out_of_stock: 'we do not have the goods in stock any more',
  declined: 'the payment was declined',
  expired: 'we waited for an answer that did not come in time',
}

export function orderRejected({
  name,
  number,
  link,
  reason,
}: OrderFacts & { reason: string | null }): Message {
  const because = reason !== null && Object.hasOwn(REASONS, reason) ? REASONS[reason] : undefined
  return compose(
    `We could not accept your order ${number}`,
    [
      `Dear ${name},`,
      because === undefined
        ? `we could not accept your order ${number}.`
        : `we could not accept your order ${number}: ${because}.`,
      'You have not been charged.',
    ],
    seeOrder({ link }),
  )
}
