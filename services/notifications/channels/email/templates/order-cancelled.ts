import { compose, seeOrder, type Message, type OrderFacts } from './message.ts'

export const orderCancelled = ({ name, number, link }: OrderFacts): Message =>
  compose(
    `Your order ${number} is cancelled`,
    [
      `Dear ${name},`,
      `your order ${number} is cancelled. What was reserved on your card for it is released.`,
    ],
    seeOrder({ link }),
  )
