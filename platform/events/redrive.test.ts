import { randomUUID } from 'node:crypto'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { AnyDomainEvent } from '#contracts/events.ts'
import { outgoing, subjectsOfUser, testBus } from '#tests/support/broker.ts'
import { silentLogger, testOrders, type TestOrders } from '#tests/support/orders.ts'
import { requestHeaders } from './dead-letters.ts'
import { startConsumer, type ConsumerOptions, type EventConsumer } from './consumer.ts'
import type { EventBus } from './event-bus.ts'
import { advance, EventGapError, firstTime } from './inbox.ts'
import { createDeadLetters, type DeadLetters, type ListedLetter } from './redrive.ts'

let bus: EventBus
let letters: DeadLetters
let orders: TestOrders
beforeAll(async () => {
  bus = testBus()
  await bus.ready()
  letters = createDeadLetters(bus)
  orders = await testOrders()
})

const consumers: EventConsumer[] = []
afterEach(async () => {
  await Promise.all(consumers.splice(0).map((consumer) => consumer.stop()))
})

const OPERATOR = 'an operator'

function consume(
  id: string,
  name: string,
  handle: ConsumerOptions['handle'],
  changes: Partial<ConsumerOptions> = {},
) {
  const durable = `${name}-${id}`
  const options = { bus, service: 'orders', logger: silentLogger, maxFailures: 1 } as const
  consumers.push(startConsumer({ ...options, durable, subjects: subjectsOfUser(id), handle, ...changes }))
  return durable
}

/** This test's letters: the streams are everybody's. */
async function listed(durable: string, includeRedriven = false): Promise<ListedLetter[]> {
  const found: ListedLetter[] = []
  let after = 0
  for (;;) {
    const page = await letters.list({ after, limit: 100, includeRedriven })
    found.push(...page.letters.filter(({ letter }) => letter.consumer === durable))
    if (page.next === undefined) return found
    after = page.next
  }
}

const untilListed = async (durable: string, count: number, includeRedriven = false) => {
  await vi.waitFor(async () => expect(await listed(durable, includeRedriven)).toHaveLength(count), 40_000)
  return listed(durable, includeRedriven)
}

const redrive = async (entry: ListedLetter | undefined) => letters.redrive(entry!.letter, OPERATOR)

describe('a dead letter', () => {
  it('is listed with where it is from and why, and without what its error quotes', async () => {
    const id = randomUUID()
    const durable = consume(id, 'listed', async () => {
      throw new TypeError('550 <ada@example.com>\nis unknown')
    })
    const event = outgoing(id, 1)
    await bus.publish(event)
    const [entry] = await untilListed(durable, 1)
    expect(entry).toMatchObject({ isRedriving: false, note: undefined })
    expect(entry?.letter).toMatchObject({
      service: 'orders',
      consumer: durable,
      subject: `evt.users.user.registered.${id}`,
      error: 'TypeError: 550 <[address]> is unknown',
      deliveries: 1,
      redriveOf: undefined,
    })
    expect(JSON.parse(Buffer.from(entry!.letter.data).toString())).toMatchObject({ eventId: event.eventId })
    expect(await letters.find(entry!.letter.sequence)).toEqual(entry)
  })

  it('is handled when its cause is gone and it is sent again: by that consumer, once', async () => {
    const id = randomUUID()
    let isBroken = true
    const handled: string[] = []
    const durable = consume(id, 'broken', async ({ eventId }) => {
      if (isBroken) throw new Error('a bug')
      handled.push(eventId)
    })
    const others = vi.fn<ConsumerOptions['handle']>().mockResolvedValue()
    consume(id, 'healthy', others)
    const event = outgoing(id, 1)
    await bus.publish(event)
    const [entry] = await untilListed(durable, 1)
    isBroken = false
    await redrive(entry)
    await untilListed(durable, 0)
    expect(handled).toEqual([event.eventId])
    expect(others).toHaveBeenCalledOnce()
    const [done] = await listed(durable, true)
    expect(done).toMatchObject({ isRedriving: false, note: { outcome: 'handled', by: OPERATOR } })
  })

  it('that fails again is a letter again, which says whose', async () => {
    const id = randomUUID()
    const durable = consume(id, 'stubborn', async () => {
      throw new Error('a bug')
    })
    await bus.publish(outgoing(id, 1))
    const [first] = await untilListed(durable, 1)
    await redrive(first)
    await untilListed(durable, 2, true)
    await vi.waitFor(async () => expect(await listed(durable)).toHaveLength(1), 40_000)
    const [again] = await listed(durable)
    expect(again?.letter.redriveOf).toBe(first?.letter.sequence)
    expect(await letters.find(first!.letter.sequence)).toMatchObject({ note: { outcome: 'failed' } })
  })

  it('waits for its consumer while that is away, and is asked for once', async () => {
    const id = randomUUID()
    const durable = consume(id, 'resting', async () => {
      throw new Error('a bug')
    })
    await bus.publish(outgoing(id, 1))
    const [entry] = await untilListed(durable, 1)
    await consumers.pop()?.stop()
    await redrive(entry)
    await redrive(entry)
    expect(await listed(durable)).toMatchObject([{ isRedriving: true }])
    const handle = vi.fn<ConsumerOptions['handle']>().mockResolvedValue()
    consume(id, 'resting', handle)
    await untilListed(durable, 0)
    expect(handle).toHaveBeenCalledOnce()
  })

  it('of an event that was handled after all changes nothing: the inbox knows it', async () => {
    const id = randomUUID()
    const applied: number[] = []
    let hasNetwork = false
    const durable = `inbox-${id}`
    consume(id, 'inbox', async (event) => {
      await orders.transact(async (tx) => {
        if (await firstTime(tx, { consumer: durable, eventId: event.eventId })) applied.push(event.version)
      })
      if (!hasNetwork) throw new Error('the answer was lost')
    })
    await bus.publish(outgoing(id, 1))
    const [entry] = await untilListed(durable, 1)
    hasNetwork = true
    await redrive(entry)
    await untilListed(durable, 0)
    expect(applied).toEqual([1])
  })

  it('of another consumer, or none at all, is nobody’s to take', async () => {
    const id = randomUUID()
    const broken = consume(id, 'owner', async () => {
      throw new Error('a bug')
    })
    await bus.publish(outgoing(id, 1))
    const [entry] = await untilListed(broken, 1)
    const stranger = randomUUID()
    const handle = vi.fn<(event: AnyDomainEvent) => Promise<void>>().mockResolvedValue()
    const durable = consume(stranger, 'stranger', handle)
    for (const letter of [entry!.letter.sequence, 999_999_999, 'x']) {
      await bus.store(`redrive.orders.${durable}.${letter}`, new Uint8Array(), requestHeaders(OPERATOR))
    }
    await bus.publish(outgoing(stranger, 1))
    await vi.waitFor(() => expect(handle).toHaveBeenCalled(), 40_000)
    expect(handle.mock.calls.map(([event]) => event.aggregateId)).toEqual([stranger])
  })
})

describe('a projection with a gap', () => {
  it('is whole again when its letters have been sent again in order', { timeout: 40_000 }, async () => {
    const id = randomUUID()
    const consumer = `gap-${id}`
    const applied: number[] = []
    let isBroken = true
    consume(
      id,
      'gap',
      ({ eventId, aggregateId, version }) =>
        orders.transact(async (tx) => {
          if (!(await advance(tx, { consumer, eventId, aggregateId, version }))) return
          if (version === 2 && isBroken) throw new Error('a bug')
          applied.push(version)
        }),
      { maxFailures: 1 },
    )
    for (const version of [1, 2, 3, 4]) await bus.publish(outgoing(id, version))
    const dead = await untilListed(consumer, 3)
    const gaps = dead.filter(({ letter }) => letter.error.startsWith(EventGapError.name))
    expect(gaps.map(versionOf)).toEqual([3, 4])
    expect(applied).toEqual([1])
    isBroken = false
    const inOrder = dead.toSorted((a, b) => versionOf(a) - versionOf(b))
    for (const entry of inOrder) await redrive(entry)
    await vi.waitFor(() => expect(applied).toEqual([1, 2, 3, 4]), 40_000)
    await untilListed(consumer, 0)
  })
})

const versionOf = ({ letter }: ListedLetter): number =>
  (JSON.parse(Buffer.from(letter.data).toString()) as { version: number }).version

describe('the list', () => {
  it('goes on from page to page, oldest first', async () => {
    const id = randomUUID()
    const durable = consume(id, 'pages', async () => {
      throw new Error('a bug')
    })
    for (const version of [1, 2, 3]) await bus.publish(outgoing(id, version))
    const all = await untilListed(durable, 3)
    const numbers = all.map(({ letter }) => letter.sequence)
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    const first = await letters.list({ after: numbers[0]! - 1, limit: 1, includeRedriven: false })
    expect(first.letters.map(({ letter }) => letter.sequence)).toEqual([numbers[0]])
    expect(first.next).toBe(numbers[0])
    const rest = await letters.list({ after: numbers[0]!, limit: 100, includeRedriven: false })
    expect(rest.letters.map(({ letter }) => letter.sequence)).toEqual(
      expect.arrayContaining(numbers.slice(1)),
    )
    expect(rest.next).toBeUndefined()
  })
})
