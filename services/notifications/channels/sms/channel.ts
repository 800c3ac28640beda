/** Text messages to customers who gave a phone: what they have to do, and that a parcel is on its way. */
import Type from 'typebox'
import { subjectsOf, type AnyDomainEvent } from '#contracts/events.ts'
import { createBreaker } from '#platform/outbound/breaker.ts'
import type { Channel, ChannelContext } from '../channel.ts'
import { smsConfig } from './config.ts'
import { loadSmsProvider } from './providers/load.ts'
import { NumberRefusedError } from './providers/provider.ts'
import { textFor } from './texts.ts'

/** Later than this a text is of no use, and a consumer that is new begins with the whole past. */
const NEWS_FOR_MS = 86_400_000

export async function createChannel({
  logger,
  settings,
  findContact,
  orderCustomers,
  sendOnce,
}: ChannelContext): Promise<Channel> {
  const config = settings(Type.Object(smsConfig))
  if (config.SMS_PROVIDER === 'none') return NOBODY
  const breaker = createBreaker({
    name: 'sms',
    timeoutMs: config.SMS_TIMEOUT_MS,
    logger,
    // a number that is refused says nothing about the provider
    counts: (error) => !(error instanceof NumberRefusedError),
  })
  const provider = await loadSmsProvider(config.SMS_PROVIDER, {
    url: config.SMS_URL,
    from: config.SMS_FROM,
    breaker,
    ...(config.SMS_API_KEY === undefined ? {} : { apiKey: config.SMS_API_KEY }),
  })

  async function deliver(event: AnyDomainEvent): Promise<void> {
    await orderCustomers.notice(event)
    if (Date.now() - Date.parse(event.timestamp) > NEWS_FOR_MS) return
    const text = await textFor(event, { orderCustomers, consoleUrl: config.CONSOLE_URL })
    if (text === undefined) return
    const contact = await findContact(text.customerId)
    if (contact === undefined || contact.phone === null) return
    const { phone } = contact
    await sendOnce(`${event.eventId}.sms`, () => send(event.eventId, phone, text.body))
  }

  async function send(id: string, to: string, body: string): Promise<void> {
    try {
      await provider.send({ id, to, body })
    } catch (error) {
      if (!(error instanceof NumberRefusedError)) throw error
      logger.warn({ eventId: id }, 'a text message was refused for good: its number takes none')
    }
  }

  return {
    name: 'sms',
    subjects: [subjectsOf('order', 'orders'), subjectsOf('shipment.dispatched', 'shipping')],
    deliver,
    probes: {
      async sms() {
        if (breaker.state() === 'open') throw new Error('the circuit is open')
        return `circuit ${breaker.state()}`
      },
    },
    close: async () => {},
  }
}

const NOBODY: Channel = { name: 'sms', subjects: [], deliver: async () => {}, close: async () => {} }
