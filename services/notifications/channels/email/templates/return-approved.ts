import { deadline } from '../../deadline.ts'
import { listLines, type Lines } from './lines.ts'
import { compose, seeOrder, type Message, type OrderFacts } from './message.ts'

export interface ReturnFacts extends OrderFacts {
  lines: Lines
  /** What it gives back, in minor units; zero until that is known. */
  amount: number
  currency: string
  /** When the goods should be here, ISO 8601. */
  until?: string
}

export const returnApproved = ({ name, number, link, lines, until }: ReturnFacts): Message =>
  compose(
    `You can send back goods of your order ${number}`,
    [
      `Dear ${name},`,
      `we take back from your order ${number}: ${listLines(lines)}.`,
      until === undefined
        ? 'Please send the goods back now.'
        : `Please send the goods back now: they should be here by ${deadline(until)}.`,
    ],
    seeOrder({ link }),
  )
