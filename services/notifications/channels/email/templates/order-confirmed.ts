import { formatMoney } from '#contracts/money.ts'
import { compose, seeOrder, type Message } from './message.ts'
import type { TotalFacts } from './order-placed.ts'

export const orderConfirmed = ({ name, number, link, total, currency }: TotalFacts): Message =>
  compose(
    `Your order ${number} is confirmed`,
    [
      `Dear ${name},`,
      `your order ${number} for ${formatMoney(total, currency)} is confirmed: the goods are yours and are being packed.`,
      'Each parcel is charged when it leaves.',
    ],
    seeOrder({ link }),
  )
