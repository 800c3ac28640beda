import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { Health } from '#contracts/schemas.ts'
import { startService } from '#platform/service.ts'
import { OPERATIONS, testNotifications } from '#tests/support/notifications-service.ts'
import { notificationsService } from './main.ts'
import { orderPayload as order, parcelPayload as parcel } from './test-support/events.ts'

const { url, environment, mailbox, bus, askers, person, publish } = await testNotifications()

afterEach(async () => {
  if (!mailbox.isRunning()) await mailbox.start()
})

const subjects = (email: string) =>
  mailbox
    .messages(email)
    .map(({ subject }) => subject)
    .toReversed()
const arrive = (email: string, count: number) =>
  expect.poll(() => mailbox.messages(email).length, { timeout: 40_000, interval: 50 }).toBe(count)

describe('the notifications service', () => {
  test('wants the secret of the webhooks only where there are webhooks', async () => {
    const withWebhooks = { ...environment, CHANNELS: 'email,webhooks' }
    await expect(startService(notificationsService, withWebhooks)).rejects.toThrow('WEBHOOK_MASTER_SECRET')
  })

  test('tells the customer the story of an order, each part once', async () => {
    const { userId, email } = person('Ann <b>O’Hara</b>')
    const [orderId, shipmentId] = [randomUUID(), randomUUID()]
    const created = await publish('order.created', orderId, order(orderId, userId))
    await publish('order.reserving', orderId, order(orderId, userId))
    await publish('order.confirmed', orderId, order(orderId, userId))
    await arrive(email, 2)
    await publish('shipment.created', shipmentId, parcel(shipmentId, orderId))
    await publish('shipment.dispatched', shipmentId, parcel(shipmentId, orderId))
    await publish('shipment.delivered', shipmentId, parcel(shipmentId, orderId))
    await arrive(email, 4)
    await publish('order.completed', orderId, order(orderId, userId))
    expect(subjects(email)).toEqual([
      'We have your order 100001',
      'Your order 100001 is confirmed',
      'A parcel of your order 100001 is on its way',
      'A parcel of your order 100001 was delivered',
    ])
    const first = mailbox.messages(email).at(-1)
    expect(first?.headers['message-id']).toBe(`<${created}@mainstay.test>`)
    expect(first?.html).toContain('Ann &lt;b&gt;O’Hara&lt;/b&gt;')
    expect(first?.text).toContain('19.90 EUR')
    expect(mailbox.messages(email)[1]?.text).toContain('TRACK-1')
    expect(new Set(askers)).toEqual(new Set(['notifications']))
  })

  test('asks the customer to act, and tells of changes, losses, returns and refunds', async () => {
    const { userId, email } = person()
    const [orderId, shipmentId, returnId, paymentId] = [
      randomUUID(),
      randomUUID(),
      randomUUID(),
      randomUUID(),
    ]
    const back = {
      returnId,
      orderId,
      customerId: userId,
      number: '100001',
      lines: [{ sku: 'MUG-WHITE', quantity: 1 }],
      currency: 'EUR',
      amount: 995,
    }
    const payment = {
      paymentId,
      orderId,
      currency: 'EUR',
      amount: 995,
      authorized: 1990,
      captured: 1990,
      refunded: 995,
      released: 0,
      brand: 'visa',
      last4: '4242',
      code: null,
    }
    const steps: [string, () => Promise<string>][] = [
      ['We have your order 100001', () => publish('order.created', orderId, order(orderId, userId))],
      [
        'Please decide about your order 100001',
        () => publish('order.awaiting_customer', orderId, order(orderId, userId, 'shortage_decision')),
      ],
      ['Your order 100001 has changed', () => publish('order.revised', orderId, order(orderId, userId))],
      [
        'A parcel of your order 100001 was lost',
        () => publish('shipment.lost', shipmentId, parcel(shipmentId, orderId)),
      ],
      [
        'You can send back goods of your order 100001',
        () => publish('return.approved', returnId, { ...back, status: 'approved' }),
      ],
      [
        'Your return for order 100001 is settled',
        async () => {
          await publish('payment.refunded', paymentId, { ...payment, refundFor: 'return' })
          return publish('return.refunded', returnId, { ...back, status: 'refunded' })
        },
      ],
      [
        'We cannot take back goods of your order 100001',
        () => publish('return.rejected', returnId, { ...back, status: 'rejected' }),
      ],
      ['Your refund for order 100001', () => publish('payment.refunded', paymentId, payment)],
    ]
    for (const [index, [, act]] of steps.entries()) {
      await act()
      await arrive(email, index + 1)
    }
    // nothing of these is a customer's business
    await publish('payment.captured', paymentId, payment)
    await publish('return.requested', returnId, { ...back, status: 'requested' })
    await publish('order.completed', orderId, order(orderId, userId))
    await sleep(300)
    expect(subjects(email)).toEqual(steps.map(([subject]) => subject))
    expect(mailbox.messages(email)[6]?.text).toContain(`: https://shop.example.test/orders/${orderId}`)
  })

  test('texts who gave a phone, of what cannot wait', async () => {
    const phone = '+447700900321'
    const { userId, email } = person('Ann', phone)
    const [orderId, shipmentId] = [randomUUID(), randomUUID()]
    await publish('order.created', orderId, order(orderId, userId))
    await publish('order.awaiting_customer', orderId, order(orderId, userId, 'payment_action'))
    await publish('shipment.dispatched', shipmentId, parcel(shipmentId, orderId))
    await arrive(email, 3)
    await expect.poll(() => mailbox.texts(phone).length, { timeout: 40_000 }).toBe(2)
    expect(new Set(mailbox.texts(phone).map(({ text }) => text))).toEqual(
      new Set([
        `Your order 100001 needs your approval of the payment: https://shop.example.test/orders/${orderId}`,
        'A parcel of your order 100001 is on its way (sandbox TRACK-1).',
      ]),
    )
  })

  test('an event that comes three times is one e-mail', async () => {
    const { userId, email } = person()
    const orderId = randomUUID()
    const eventId = randomUUID()
    const { connection, client } = await bus.ready()
    const body = {
      eventId,
      eventType: 'order.cancelled',
      aggregateId: orderId,
      timestamp: new Date().toISOString(),
      version: 1,
      payload: order(orderId, userId),
    }
    // without the message id that the stream knows duplicates by
    for (let time = 0; time < 3; time++)
      await client.publish(`evt.orders.order.cancelled.${orderId}`, JSON.stringify(body), { timeout: 30_000 })
    await publish('order.rejected', orderId, order(orderId, userId, 'declined'))
    await arrive(email, 2)
    await sleep(300)
    await connection.flush()
    expect(subjects(email)).toEqual([
      'Your order 100001 is cancelled',
      'We could not accept your order 100001',
    ])
  })

  test('a parcel that is heard of before its order waits for it', async () => {
    const { userId, email } = person()
    const [orderId, shipmentId] = [randomUUID(), randomUUID()]
    await publish('shipment.dispatched', shipmentId, parcel(shipmentId, orderId))
    await sleep(300)
    expect(subjects(email)).toEqual([])
    await publish('order.created', orderId, order(orderId, userId))
    await arrive(email, 2)
    // an order and a parcel are told of side by side
    expect(subjects(email).toSorted()).toEqual([
      'A parcel of your order 100001 is on its way',
      'We have your order 100001',
    ])
  })

  test('an order that needs an operator is told to the operators, not to the customer', async () => {
    const { userId, email } = person()
    const orderId = randomUUID()
    await publish('order.attention_raised', orderId, {
      orderId,
      step: 'authorize',
      operation: 'void',
      error: 'refused',
    })
    await arrive(OPERATIONS, 1)
    expect(subjects(OPERATIONS)).toEqual([`Order ${orderId} needs an operator`])
    await publish('order.created', orderId, order(orderId, userId))
    await arrive(email, 1)
    // once it is known, its number says which one it is
    const again = { orderId, step: 'capture', operation: 'capturePayment', error: 'refused' }
    await publish('order.attention_raised', orderId, again)
    await arrive(OPERATIONS, 2)
    expect(subjects(OPERATIONS)[1]).toBe('Order 100001 needs an operator')
  })

  test('an erased customer gets nothing, and what comes after goes on', async () => {
    const erased = randomUUID()
    const { userId, email } = person()
    const count = mailbox.messages().length
    await publish('order.created', randomUUID(), order(randomUUID(), erased))
    const orderId = randomUUID()
    await publish('order.created', orderId, order(orderId, userId))
    await arrive(email, 1)
    await sleep(200)
    expect(mailbox.messages().length).toBe(count + 1)
  })

  test('what the mail server does not take now is sent once it is back', async () => {
    const { userId, email } = person()
    const orderId = randomUUID()
    await mailbox.stop()
    await publish('order.created', orderId, order(orderId, userId))
    await sleep(800)
    await mailbox.start()
    await arrive(email, 1)
    await sleep(300)
    expect(subjects(email)).toEqual(['We have your order 100001'])
  })

  test('says how its broker, mail server and the users service are', async () => {
    const health = async (): Promise<Health> => JSON.parse(await (await fetch(`${url}/health`)).text())
    await expect.poll(health, { timeout: 10_000 }).toMatchObject({
      status: 'healthy',
      checks: {
        broker: { status: 'up' },
        smtp: { status: 'up' },
        sms: { status: 'up' },
        users: { status: 'up' },
      },
    })
    expect(Object.keys((await health()).checks).toSorted()).toEqual(['broker', 'sms', 'smtp', 'users'])
    await mailbox.stop()
    await expect.poll(async () => (await health()).checks['smtp']?.status, { timeout: 10_000 }).toBe('down')
  })
})
