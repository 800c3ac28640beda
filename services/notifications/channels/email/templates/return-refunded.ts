import { formatMoney } from '#contracts/money.ts'
import { compose, seeOrder, type Message } from './message.ts'
import { listLines } from './lines.ts'
import type { ReturnFacts } from './return-approved.ts'

export const returnRefunded = ({ name, number, link, lines, amount, currency }: ReturnFacts): Message =>
  compose(
    `Your return for order ${number} is settled`,
    [
      `Dear ${name},`,
      `your return is settled: ${listLines(lines)} of your order ${number}.`,
      ...(amount === 0 ? [] : [`It gives you ${formatMoney(amount, currency)} back.`]),
    ],
    seeOrder({ link }),
  )
