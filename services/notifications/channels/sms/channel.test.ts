import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { createMailbox, type Mailbox } from '#stack/mailbox.ts'
import { freePorts } from '#stack/ports.ts'
import { testContext, type TestContext } from '#tests/support/notifications.ts'
import { eventOf, orderEvent, parcelPayload } from '../../test-support/events.ts'
import type { Channel } from '../channel.ts'
import { describeChannel } from '../conformance.ts'
import { createChannel } from './channel.ts'

let next = 100
/** From a range that is nobody's. */
const newPhone = (): string => `+447700900${String(next++)}`

async function openMailbox(): Promise<Mailbox> {
  const ports = await freePorts()
  const mailbox = createMailbox({ port: ports.mailbox, smtpPort: ports.smtp })
  await mailbox.start()
  return mailbox
}

const environment = (mailbox: Mailbox) => ({
  SMS_PROVIDER: 'sandbox',
  SMS_URL: mailbox.url,
  CONSOLE_URL: 'https://shop.example.test/',
})

describeChannel({ describe, it, expect, beforeAll, afterAll }, 'sms', async () => {
  const mailbox = await openMailbox()
  const { context, person, people, log, close } = testContext(environment(mailbox))
  const channel = await createChannel(context)
  const asked = (userId: string) =>
    orderEvent('order.awaiting_customer', randomUUID(), userId, 'payment_action')
  return {
    channel,
    event: () => asked(person({ phone: newPhone() }).userId),
    otherEvent: () => asked(person().userId),
    told: (eventId) => mailbox.texts().filter(({ id }) => id === eventId).length,
    outage: (on) => (on ? mailbox.stop() : mailbox.start()),
    log: () => log.join(''),
    secrets: () =>
      [...people.values()].flatMap(({ phone }) => (phone === null ? [] : [phone, phone.slice(1)])),
    async stop() {
      await channel.close()
      await close()
      await mailbox.stop()
    },
  }
})

describe('text messages', () => {
  let mailbox: Mailbox
  let support: TestContext
  let channel: Channel
  beforeAll(async () => {
    mailbox = await openMailbox()
    support = testContext(environment(mailbox))
    channel = await createChannel(support.context)
  })
  afterAll(async () => {
    await channel.close()
    await support.close()
    await mailbox.stop()
  })
  const wordsTo = (phone: string) => mailbox.texts(phone).map(({ text }) => text)

  test.each([
    ['shortage_decision', 'Your order 100001 needs your decision, not everything is in stock'],
    ['payment_action', 'Your order 100001 needs your approval of the payment'],
    ['payment_method', 'Your order 100001 needs another payment method'],
    ['toString', 'Your order 100001 waits for an answer of yours'],
  ])('ask for %s with the way to it', async (reason, words) => {
    const phone = newPhone()
    const orderId = randomUUID()
    await channel.deliver(
      orderEvent('order.awaiting_customer', orderId, support.person({ phone }).userId, reason),
    )
    expect(wordsTo(phone)).toEqual([`${words}: https://shop.example.test/orders/${orderId}`])
  })

  test('have no link where there is no console', async () => {
    const { CONSOLE_URL: _, ...rest } = environment(mailbox)
    const plain = testContext(rest)
    const without = await createChannel(plain.context)
    const phone = newPhone()
    const event = orderEvent(
      'order.awaiting_customer',
      randomUUID(),
      plain.person({ phone }).userId,
      'payment_action',
    )
    await without.deliver(event)
    expect(wordsTo(phone)).toEqual(['Your order 100001 needs your approval of the payment.'])
    await without.close()
    await plain.close()
  })

  test('name the deadline', async () => {
    const phone = newPhone()
    const { userId } = support.person({ phone })
    const event = orderEvent('order.awaiting_customer', randomUUID(), userId, 'payment_method')
    await channel.deliver({ ...event, payload: { ...event.payload, until: '2026-11-25T22:01:30.000Z' } })
    expect(wordsTo(phone)).toEqual([
      expect.stringContaining('needs another payment method by 25 November 2026 at 22:01 UTC: https://'),
    ])
  })

  test('tell that a parcel is on its way, once it is known whose it is', async () => {
    const phone = newPhone()
    const [orderId, shipmentId] = [randomUUID(), randomUUID()]
    const dispatched = eventOf('shipment.dispatched', shipmentId, {
      ...parcelPayload(shipmentId, orderId),
      trackingNumber: 'TRACK-1\nCall +44 900',
    })
    await expect(channel.deliver(dispatched)).rejects.toMatchObject({ name: 'EventGapError' })
    await channel.deliver(orderEvent('order.created', orderId, support.person({ phone }).userId))
    await channel.deliver(dispatched)
    expect(wordsTo(phone)).toEqual([
      'A parcel of your order 100001 is on its way (sandbox TRACK-1 Call +44 900).',
    ])
  })

  test('are not sent of anything else, of old events, or to nobody', async () => {
    const count = mailbox.texts().length
    const { userId } = support.person({ phone: newPhone() })
    await channel.deliver(orderEvent('order.confirmed', randomUUID(), userId))
    const asked = orderEvent('order.awaiting_customer', randomUUID(), userId, 'payment_action')
    const yesterday = new Date(Date.now() - 86_400_001).toISOString()
    await channel.deliver({ ...asked, timestamp: yesterday })
    await channel.deliver({
      ...asked,
      eventId: randomUUID(),
      payload: { ...asked.payload, customerId: randomUUID() },
    })
    expect(mailbox.texts()).toHaveLength(count)
    await channel.deliver(asked)
    expect(mailbox.texts()).toHaveLength(count + 1)
  })

  test('to a number that takes none are given up, without a word about the number', async () => {
    const refused = '+15005550001'
    const { userId } = support.person({ phone: refused })
    const asked = orderEvent('order.awaiting_customer', randomUUID(), userId, 'payment_action')
    await channel.deliver(asked)
    expect(wordsTo(refused)).toEqual([])
    const log = support.log.join('')
    expect(log).toContain(`"eventId":"${asked.eventId}"`)
    expect(log).not.toContain('5005550001')
  })

  test('are off without a provider, and a provider that is not there is a configuration error', async () => {
    const off = testContext({})
    expect((await createChannel(off.context)).subjects).toEqual([])
    const wrong = testContext({ SMS_PROVIDER: 'nosuch' })
    await expect(createChannel(wrong.context)).rejects.toThrow(/The SMS provider nosuch cannot be loaded/)
    await Promise.all([off.close(), wrong.close()])
  })
})
