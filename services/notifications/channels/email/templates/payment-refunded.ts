import { formatMoney } from '#contracts/money.ts'
import { compose, seeOrder, type Message, type OrderFacts } from './message.ts'

export interface RefundFacts extends OrderFacts {
  /** What goes back with this, in minor units. */
  amount: number
  currency: string
}

export const paymentRefunded = ({ name, number, link, amount, currency }: RefundFacts): Message =>
  compose(
    `Your refund for order ${number}`,
    [
      `Dear ${name},`,
      `we have sent ${formatMoney(amount, currency)} for your order ${number} back to the card you paid with.`,
      'Your bank may take a few days to show it.',
    ],
    seeOrder({ link }),
  )
