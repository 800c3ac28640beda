/** Tells a team's chat when an order needs an operator. */
import Type from 'typebox'
import { subjectsOf } from '#contracts/events.ts'
import { createBreaker } from '#platform/outbound/breaker.ts'
import { createJsonClient } from '#platform/outbound/json-client.ts'
import type { Channel, ChannelContext } from '#services/notifications/channels/channel.ts'

const chatConfig = Type.Object({
  CHAT_URL: Type.String({ pattern: '^https?://', description: "the chat's API" }),
  CHAT_TOKEN: Type.String({ minLength: 1, description: 'what the chat knows us by' }),
})

export function createChannel({ logger, settings, sendOnce }: ChannelContext): Channel {
  const { CHAT_URL, CHAT_TOKEN } = settings(chatConfig)
  const breaker = createBreaker({ name: 'chat', timeoutMs: 5_000, logger })
  const client = createJsonClient({ baseUrl: CHAT_URL, breaker })

  async function say(id: string, text: string): Promise<void> {
    const { status } = await client.call({
      method: 'POST',
      path: '/messages',
      headers: { authorization: `Bearer ${CHAT_TOKEN}` },
      body: { id, text },
    })
    if (status >= 300) throw new Error(`the chat answered ${status}`)
  }

  return {
    name: 'chat',
    subjects: [subjectsOf('order', 'orders')],
    async deliver(event) {
      if (event.eventType !== 'order.attention_raised') return
      const { orderId, step } = event.payload
      await sendOnce(`${event.eventId}.chat`, () =>
        say(event.eventId, `Order ${orderId} waits for an operator at ${step}.`),
      )
    },
    probes: { chat: async () => `circuit ${breaker.state()}` },
    close: async () => {},
  }
}
