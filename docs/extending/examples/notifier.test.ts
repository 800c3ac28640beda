/** The example of docs/extending/notifier.md, held to what every channel must do. */
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ConfigError } from '#platform/config.ts'
import { describeChannel } from '#services/notifications/channels/conformance.ts'
import { eventOf, orderEvent } from '#services/notifications/test-support/events.ts'
import { testContext } from '#tests/support/notifications.ts'
import { createChannel } from './notifier.ts'

const TOKEN = 'the-token-of-the-chat'

describeChannel({ describe, it, expect, beforeAll, afterAll }, 'chat', async () => {
  const said: string[] = []
  let away = false
  const chat = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const known = request.headers.authorization === `Bearer ${TOKEN}`
      if (known && !away) said.push(JSON.parse(Buffer.concat(chunks).toString()).id)
      response.writeHead(away ? 503 : known ? 201 : 401).end()
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => chat.once('listening', resolve))
  const { context, log, close } = testContext({
    CHAT_URL: `http://127.0.0.1:${(chat.address() as AddressInfo).port}`,
    CHAT_TOKEN: TOKEN,
  })
  const channel = createChannel(context)
  return {
    channel,
    event() {
      const orderId = randomUUID()
      const attention = { orderId, step: 'authorize', operation: 'void', error: 'refused' }
      return eventOf('order.attention_raised', orderId, attention)
    },
    otherEvent: () => orderEvent('order.created', randomUUID(), randomUUID()),
    told: (eventId) => said.filter((id) => id === eventId).length,
    outage: async (on) => void (away = on),
    log: () => log.join(''),
    secrets: () => [TOKEN],
    async stop() {
      await channel.close()
      await close()
      chat.close()
    },
  }
})

describe('the page', () => {
  it('says truly that a variable that is missing ends the start', async () => {
    const { context, close } = testContext({ CHAT_URL: 'http://127.0.0.1:1' })
    expect(() => createChannel(context)).toThrow(ConfigError)
    expect(() => createChannel(context)).toThrow(/CHAT_TOKEN is required \(what the chat knows us by\)/)
    await close()
  })
})
