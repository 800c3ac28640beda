import { deadline } from '../../deadline.ts'
import { compose, invite, type Message, type OrderFacts } from './message.ts'

interface Question {
  subject: (number: string) => string
  words: string
  invitation: string
}

/** What the customer is asked for, by the order's reason. */
const QUESTIONS: Readonly<Record<string, Question>> = {
  shortage_decision: {
    subject: (number) => `Please decide about your order ${number}`,
    words:
      'we do not have everything that you ordered in stock. You decide: we send what is there, we wait for the rest, or we cancel the order.',
    invitation: 'Decide what we do',
  },
  payment_action: {
    subject: (number) => `Please approve the payment of your order ${number}`,
    words: 'your bank wants you to approve the payment.',
    invitation: 'Approve the payment',
  },
  payment_method: {
    subject: (number) => `Please choose another payment method for your order ${number}`,
    words: 'your payment method was declined. Nothing was charged. Please choose another one.',
    invitation: 'Choose another payment method',
  },
}

const ANYTHING: Question = {
  subject: (number) => `Your order ${number} waits for you`,
  words: 'your order waits for an answer of yours.',
  invitation: 'Answer',
}

export function actionNeeded({
  name,
  number,
  link,
  reason,
  until,
}: OrderFacts & { reason: string | null; until?: string }): Message {
  const known = reason !== null && Object.hasOwn(QUESTIONS, reason) ? QUESTIONS[reason] : undefined
  const { subject, words, invitation } = known ?? ANYTHING
  return compose(subject(number), [`Dear ${name},`, words, ending(until, link)], invite(invitation, link))
}

/** Events from before the deadline was said have none. */
function ending(until: string | undefined, link: string | undefined): string {
  if (until !== undefined)
    return `The order waits until ${deadline(until)}; without an answer by then it is cancelled.`
  return link === undefined
    ? 'Until then the order waits, though not for ever; without an answer in time it is cancelled.'
    : 'Until then the order waits. The page of your order says for how long; without an answer by then it is cancelled.'
}
