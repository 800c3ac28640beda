/** Tells the people on duty in their chat when an order needs an operator. */
import Type from 'typebox'
import { subjectsOf } from '#contracts/events.ts'
import { createBreaker } from '#platform/outbound/breaker.ts'
import { createJsonClient } from '#platform/outbound/json-client.ts'
import type { Channel, ChannelContext } from '#services/notifications/channels/channel.ts'

const NAME = 'chat'
const TIMEOUT_MS = 5_000

const chatConfig = Type.Object({
  CHAT_WEBHOOK_URL: Type.Optional(
    Type.String({
      pattern: '^https?://',
      description: 'where the chat takes messages; none: the channel is off',
    }),
  ),
})

export function createChannel({
  settings,
  sendOnce,
  logger,
}: Pick<ChannelContext, 'settings' | 'sendOnce' | 'logger'>): Channel {
  const { CHAT_WEBHOOK_URL: url } = settings(chatConfig)
  const close = () => Promise.resolve()
  if (url === undefined) return { name: NAME, subjects: [], deliver: () => Promise.resolve(), close }

  const { origin, pathname } = new URL(url)
  const chat = createJsonClient({
    baseUrl: origin,
    breaker: createBreaker({ name: NAME, timeoutMs: TIMEOUT_MS, logger }),
  })

  async function say(text: string, eventId: string): Promise<void> {
    const answer = await chat.call({ method: 'POST', path: pathname, body: { text, eventId } })
    // thrown, so that the event comes again; without the URL, which is the chat's secret
    if (answer.status >= 400) throw new Error(`the chat answered ${answer.status}`)
  }

  return {
    name: NAME,
    subjects: [subjectsOf('order', 'orders')],
    async deliver(event) {
      if (event.eventType !== 'order.attention_raised') return
      const { orderId, operation } = event.payload
      // ids only: a chat is no place for names and addresses
      await sendOnce(`${NAME}.${event.eventId}`, () =>
        say(`Order ${orderId} needs an operator (${operation}).`, event.eventId),
      )
    },
    close,
  }
}
