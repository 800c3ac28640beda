import { compose, seeOrder, type Message } from './message.ts'
import { listLines } from './lines.ts'
import type { ReturnFacts } from './return-approved.ts'

export const returnRejected = ({ name, number, link, lines }: ReturnFacts): Message =>
  compose(
    `We cannot take back goods of your order ${number}`,
    [`Dear ${name},`, `we cannot take back from your order ${number}: ${listLines(lines)}.`],
    seeOrder({ link }),
  )
