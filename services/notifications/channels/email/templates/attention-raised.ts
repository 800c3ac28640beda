import { orderLink } from '../../console.ts'
import { compose, invite, type Message } from './message.ts'

export interface AttentionFacts {
  orderId: string
  /** Undefined where it is not known: then the order's id stands for it. */
  number: string | undefined
  step: string
  operation: string
  error: string
  consoleUrl: string | undefined
}

/** For operators. */
export const attentionRaised = ({
  orderId,
  number = orderId,
  step,
  operation,
  error,
  consoleUrl,
}: AttentionFacts): Message =>
  compose(
    `Order ${number} needs an operator`,
    [
      `The order ${number} waits for an operator.`,
      `Step: ${step}. Operation: ${operation}.`,
      `Error: ${error}`,
      'Answer with retry or resolve once the cause is removed.',
    ],
    invite('See the order', orderLink(consoleUrl, orderId)),
  )
