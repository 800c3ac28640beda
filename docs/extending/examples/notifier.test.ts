import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeChannel } from '#services/notifications/channels/conformance.ts'
import { eventOf, orderEvent } from '#services/notifications/test-support/events.ts'
import { testContext } from '#tests/support/notifications.ts'
import { createChannel } from './notifier.ts'

const SECRET_PATH = '/hooks/T0KEN'

/** A chat that remembers what it was told. */
async function startChat() {
  const messages: { text: string; eventId: string }[] = []
  let away = false
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (!away) messages.push(JSON.parse(Buffer.concat(chunks).toString()))
      response.writeHead(away ? 503 : 200, { connection: 'close' }).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    messages,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${SECRET_PATH}`,
    setAway: (on: boolean) => void (away = on),
    stop: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

const attention = () => {
  const orderId = randomUUID()
  const error = 'the bank is away'
  return eventOf('order.attention_raised', orderId, { orderId, step: 'capture', operation: 'capture', error })
}

describeChannel({ describe, it, expect, beforeAll, afterAll }, 'chat', async () => {
  const chat = await startChat()
  const { context, log, close } = testContext({ CHAT_WEBHOOK_URL: chat.url })
  const channel = createChannel(context)
  return {
    channel,
    event: attention,
    otherEvent: () => orderEvent('order.confirmed', randomUUID(), randomUUID()),
    told: (eventId) => chat.messages.filter((message) => message.eventId === eventId).length,
    outage: async (on) => chat.setAway(on),
    log: () => log.join(''),
    secrets: () => [SECRET_PATH],
    async stop() {
      await channel.close()
      await close()
      await chat.stop()
    },
  }
})

describe('the chat', () => {
  it('is off where no address is set', async () => {
    const { context, close } = testContext({})
    expect(createChannel(context).subjects).toEqual([])
    await close()
  })

  it('reads the order and what is to be done', async () => {
    const chat = await startChat()
    const { context, close } = testContext({ CHAT_WEBHOOK_URL: chat.url })
    const event = attention()
    await createChannel(context).deliver(event)
    expect(chat.messages.map(({ text }) => text)).toEqual([
      `Order ${event.payload.orderId} needs an operator (capture).`,
    ])
    await close()
    await chat.stop()
  })
})
