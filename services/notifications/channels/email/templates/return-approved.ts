import { listLines, type Lines } from './lines.ts'
import { compose, seeOrder, type Message, type OrderFacts } from './message.ts'

export interface ReturnFacts extends OrderFacts {
  lines: Lines
  /** What it gives back, in minor units; zero until that is known. */
  amount: number
  currency: string
}

export const returnApproved = ({ name, number, link, lines }: ReturnFacts): Message =>
  compose(
    `You can send back goods of your order ${number}`,
    [
      `Dear ${name},`,
      `we take back from your order ${number}: ${listLines(lines)}.`,
      'Please send the goods back now.',
    ],
    seeOrder({ link }),
  )
