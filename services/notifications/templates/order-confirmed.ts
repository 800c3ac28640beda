import { formatMoney } from '#contracts/money.ts'
import { compose, type Message, type OrderFacts } from './message.ts'

export const orderConfirmed = ({
  name,
  number,
  total,
  currency,
}: OrderFacts & { total: number; currency: string }): Message =>
  compose(`Your order ${number} is confirmed`, [
    `Dear ${name},`,
    `your order ${number} for ${formatMoney(total, currency)} is confirmed: the goods are yours and are being packed.`,
    'Each parcel is charged when it leaves.',
  ])
