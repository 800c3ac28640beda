/** What happens to orders, parcels, payments and returns, as e-mail. */
import Type from 'typebox'
import { subjectsOf, type AnyDomainEvent } from '#contracts/events.ts'
import type { Channel, ChannelContext } from '../channel.ts'
import { emailConfig } from './config.ts'
import { letterFor } from './letters.ts'
import { createMailer, type Recipient } from './mailer.ts'
import { attentionRaised } from './templates/attention-raised.ts'
import type { Message } from './templates/message.ts'

export function createChannel({
  logger,
  settings,
  findContact,
  orderCustomers,
  sendOnce,
}: ChannelContext): Channel {
  const { SMTP_URL, MAIL_FROM, OPERATIONS_EMAIL, CONSOLE_URL } = settings(Type.Object(emailConfig))
  const mailer = createMailer({ url: SMTP_URL, from: MAIL_FROM, logger })

  /** Sends the e-mail of an event, once. An erased customer gets none, and that is no failure. */
  async function deliver(event: AnyDomainEvent): Promise<void> {
    await orderCustomers.notice(event)
    if (event.eventType === 'order.attention_raised') {
      if (OPERATIONS_EMAIL !== undefined) {
        const number = await orderCustomers.numberOf(event.payload.orderId)
        const facts = { ...event.payload, number, consoleUrl: CONSOLE_URL }
        await send({ email: OPERATIONS_EMAIL }, attentionRaised(facts))
      }
      return
    }
    const letter = await letterFor(event, { orderCustomers, consoleUrl: CONSOLE_URL })
    if (letter === undefined) return
    const contact = await findContact(letter.customerId)
    if (contact !== undefined) await send(contact, letter.write(contact.name))

    function send(to: Recipient, message: Message): Promise<void> {
      return sendOnce(`${event.eventId}.email`, () => mailer.send(event.eventId, to, message))
    }
  }

  return {
    name: 'email',
    subjects: [
      subjectsOf('order', 'orders'),
      subjectsOf('return', 'orders'),
      subjectsOf('shipment', 'shipping'),
      subjectsOf('payment.refunded', 'payments'),
    ],
    deliver,
    probes: { smtp: () => mailer.probe() },
    close: async () => mailer.close(),
  }
}
