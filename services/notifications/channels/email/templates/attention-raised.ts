import { orderLink } from '../../console.ts'
import { compose, type Message } from './message.ts'

export interface AttentionFacts {
  orderId: string
  step: string
  operation: string
  error: string
  consoleUrl: string
}

/** For operators. */
export const attentionRaised = ({ orderId, step, operation, error, consoleUrl }: AttentionFacts): Message =>
  compose(
    `Order ${orderId} needs an operator`,
    [
      `The order ${orderId} waits for an operator.`,
      `Step: ${step}. Operation: ${operation}.`,
      `Error: ${error}`,
      'Answer with retry or resolve once the cause is removed.',
    ],
    { words: 'See the order', link: orderLink(consoleUrl, orderId) },
  )
