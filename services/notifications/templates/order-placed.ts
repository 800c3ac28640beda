import { formatMoney } from '#contracts/money.ts'
import { compose, type Message, type OrderFacts } from './message.ts'

export const orderPlaced = ({
  name,
  number,
  total,
  currency,
}: OrderFacts & { total: number; currency: string }): Message =>
  compose(`We have your order ${number}`, [
    `Dear ${name},`,
    `thank you for your order ${number} for ${formatMoney(total, currency)}.`,
    'We are reserving the goods now and tell you when the order is confirmed.',
  ])
