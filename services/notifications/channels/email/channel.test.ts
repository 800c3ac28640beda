import { randomUUID } from 'node:crypto'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createMailbox } from '#stack/mailbox.ts'
import { freePorts } from '#stack/ports.ts'
import { testContext } from '#tests/support/notifications.ts'
import { orderEvent } from '../../test-support/events.ts'
import { describeChannel } from '../conformance.ts'
import { createChannel } from './channel.ts'

describeChannel({ describe, it, expect, beforeAll, afterAll }, 'email', async () => {
  const ports = await freePorts()
  const mailbox = createMailbox({ port: ports.mailbox, smtpPort: ports.smtp })
  await mailbox.start()
  const { context, person, people, log, close } = testContext({ SMTP_URL: mailbox.smtpUrl })
  const channel = createChannel(context)
  return {
    channel,
    event: () => orderEvent('order.created', randomUUID(), person({ name: 'Ann Example' }).userId),
    otherEvent: () => orderEvent('order.created', randomUUID(), randomUUID()),
    told: (eventId) =>
      mailbox.messages().filter(({ headers }) => headers['message-id']?.startsWith(`<${eventId}@`)).length,
    outage: (on) => (on ? mailbox.stop() : mailbox.start()),
    log: () => log.join(''),
    secrets: () => [...people.values()].flatMap(({ email, name }) => [email, name]),
    async stop() {
      await channel.close()
      await close()
      await mailbox.stop()
    },
  }
})

describe('a mail server that quotes the recipient when it refuses', () => {
  it('does not bring the address into errors, which are logged', async () => {
    const refusing = createServer((socket) => {
      socket.write('220 hello\r\n')
      socket.on('data', (data) => {
        const line = data.toString()
        if (line.startsWith('RCPT')) socket.write(`550 ${line.trim()} is unknown here\r\n`)
        else socket.write('250 ok\r\n')
      })
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => refusing.once('listening', resolve))
    const { context, person, log, close } = testContext({
      SMTP_URL: `smtp://127.0.0.1:${(refusing.address() as AddressInfo).port}`,
    })
    const channel = createChannel(context)
    const { email, userId } = person()
    const failure: unknown = await channel
      .deliver(orderEvent('order.created', randomUUID(), userId))
      .catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(Error)
    const { message, cause, stack } = failure as Error
    expect(message).toBe(
      'the mail server did not take the message (code EENVELOPE, responseCode 550, command RCPT TO)',
    )
    expect([cause, stack?.includes(email), log.join('').includes(email)]).toEqual([undefined, false, false])
    await channel.close()
    await close()
    refusing.close()
  })
})
