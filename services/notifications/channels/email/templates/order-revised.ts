import { formatMoney } from '#contracts/money.ts'
import { compose, seeOrder, type Message } from './message.ts'
import type { TotalFacts } from './order-placed.ts'

/** Both an amendment and a shortage come here: what the order is now stands on its page, where it has one. */
export const orderRevised = ({ name, number, link, total, currency }: TotalFacts): Message =>
  compose(
    `Your order ${number} has changed`,
    [
      `Dear ${name},`,
      `your order ${number} is not what it was: its total is now ${formatMoney(total, currency)}.`,
      `${link === undefined ? '' : 'Its page shows what we send, and where. '}You pay for nothing else.`,
    ],
    seeOrder({ link }),
  )
