import { formatMoney } from '#contracts/money.ts'
import { compose, seeOrder, type Message, type OrderFacts } from './message.ts'

export interface TotalFacts extends OrderFacts {
  /** Minor units. */
  total: number
  currency: string
}

export const orderPlaced = ({ name, number, link, total, currency }: TotalFacts): Message =>
  compose(
    `We have your order ${number}`,
    [
      `Dear ${name},`,
      `thank you for your order ${number} for ${formatMoney(total, currency)}.`,
      'We are reserving the goods now and tell you when the order is confirmed.',
    ],
    seeOrder({ link }),
  )
