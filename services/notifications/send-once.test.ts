import { randomUUID } from 'node:crypto'
import { jetstream } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { orderEvent } from './test-support/events.ts'
import { openBucket, type Bucket } from './buckets.ts'
import { createOrderCustomers } from './order-customers.ts'
import { BeingSentError, createSendOnce, LEASE_MS } from './send-once.ts'

let connection: NatsConnection
let bucket: Bucket
beforeAll(async () => {
  const { natsUrl, nats } = inject('infrastructure')
  connection = await connect({ servers: natsUrl, user: nats.user, pass: nats.password })
  bucket = openBucket(
    { ready: async () => ({ connection, client: jetstream(connection) }) },
    'send-once-test',
    60_000,
  )
})
afterAll(() => connection.close())

const key = () => `${randomUUID()}.email`

describe('sendOnce', () => {
  test('of ten at the same time one sends, the others come again and find it sent', async () => {
    const sendOnce = createSendOnce(bucket)
    const id = key()
    let sent = 0
    const othersGone = Promise.withResolvers<void>()
    const send = async () => {
      await othersGone.promise
      sent += 1
    }
    let gone = 0
    const countGone = (error: unknown) => {
      gone += 1
      if (gone === 9) othersGone.resolve()
      throw error
    }
    const sending = Array.from({ length: 10 }, () => sendOnce(id, send).catch(countGone))
    const results = await Promise.allSettled(sending)
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(
      results.filter((result) => result.status === 'rejected' && result.reason instanceof BeingSentError),
    ).toHaveLength(9)
    await Promise.all(Array.from({ length: 10 }, () => sendOnce(id, send)))
    expect(sent).toBe(1)
  })

  test('a failure gives the claim back and is told', async () => {
    const sendOnce = createSendOnce(bucket)
    const id = key()
    await expect(sendOnce(id, () => Promise.reject(new Error('no mail server')))).rejects.toThrow(
      'no mail server',
    )
    let sent = 0
    await sendOnce(id, async () => void (sent += 1))
    await sendOnce(id, async () => void (sent += 1))
    expect(sent).toBe(1)
  })

  test('the claim of a sender that died holds for its lease and not longer, and one takes it over', async () => {
    const id = key()
    const died = Date.now()
    await bucket.create(id, { state: 'claimed', until: died + LEASE_MS })
    let sent = 0
    const at = (now: number) => createSendOnce(bucket, () => now)(id, async () => void (sent += 1))
    await expect(at(died + LEASE_MS - 1)).rejects.toThrow(BeingSentError)
    expect(sent).toBe(0)
    await Promise.allSettled(Array.from({ length: 5 }, () => at(died + LEASE_MS)))
    expect(sent).toBe(1)
  })
})

describe('orderCustomers', () => {
  test('remembers the first it was told, and asks for patience before', async () => {
    const customers = createOrderCustomers(bucket)
    const orderId = randomUUID()
    await expect(customers.find(orderId)).rejects.toThrow(expect.objectContaining({ name: 'EventGapError' }))
    const customer = { customerId: randomUUID(), number: '100001' }
    const created = orderEvent('order.created', orderId, customer.customerId)
    await customers.notice(orderEvent('order.confirmed', orderId, randomUUID()))
    await customers.notice(created)
    await customers.notice(created)
    expect(await customers.find(orderId)).toEqual(customer)
  })
})
