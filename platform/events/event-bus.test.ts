import { randomUUID } from 'node:crypto'

import { describe, expect, inject, it, vi } from 'vitest'
import { jetstreamManager } from '@nats-io/jetstream'
import { EVENT_STREAM } from '#contracts/events.ts'
import { outgoing, testBus } from '#tests/support/broker.ts'
import { startProxy } from '#tests/support/proxy.ts'
import { isPoison } from './event-bus.ts'

const natsAddress = () => new URL(inject('infrastructure').natsUrl).host

async function stored(bus: ReturnType<typeof testBus>, subject: string) {
  const { connection } = await bus.ready()
  const manager = await jetstreamManager(connection)
  return manager.streams.getMessage(EVENT_STREAM, { last_by_subj: subject })
}

describe('createEventBus', () => {
  it('stores an event under its subject, with its trace beside it', async () => {
    const bus = testBus()
    const id = randomUUID()
    const event = outgoing(id, 1, { trace: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` })
    await bus.ready()
    await bus.publish(event)
    const message = await stored(bus, `evt.users.user.registered.${id}`)
    const { trace, ...body } = event
    expect(message?.json()).toEqual(body)
    expect(message?.header.get('traceparent')).toBe(trace)
    expect(await bus.probe()).toMatch(/^\d+ ms round trip$/)
  })

  it('stores an event once that is published twice', async () => {
    const bus = testBus()
    const event = outgoing(randomUUID(), 1)
    await bus.ready()
    await bus.publish(event)
    const first = await stored(bus, `evt.users.user.registered.${event.aggregateId}`)
    await bus.publish(event)
    const second = await stored(bus, `evt.users.user.registered.${event.aggregateId}`)
    expect(second?.seq).toBe(first?.seq)
  })

  it.each([
    ['an unknown type', { eventType: 'user.imagined' }],
    ['more than the broker takes', { payload: { text: 'x'.repeat(1_100_000) } }],
    ['an aggregate that cannot be in a subject', { aggregateId: 'a b\r\n' }],
  ])('says that an event with %s is poison', async (_what, changes) => {
    const bus = testBus()
    await bus.ready()
    const error: unknown = await bus.publish(outgoing(randomUUID(), 1, changes)).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(Error)
    expect(isPoison(error)).toBe(true)
  })

  it('fails at once while NATS is away, which is nobody’s poison, and works again when it is back', async () => {
    const proxy = await startProxy(natsAddress())
    const bus = testBus(`nats://${proxy.address}`)
    await bus.ready()
    await proxy.cut()
    const event = outgoing(randomUUID(), 1)
    // what is under way when the connection breaks takes its time limit; everything after that fails at once
    await vi.waitFor(() => expect(bus.publish(event)).rejects.toThrow('not connected'), 40_000)
    const started = performance.now()
    const error: unknown = await bus.publish(event).catch((reason: unknown) => reason)
    expect(performance.now() - started).toBeLessThan(2_900)
    expect(isPoison(error)).toBe(false)
    await expect(bus.probe()).rejects.toThrow('not connected')
    await proxy.restore()
    await vi.waitFor(() => bus.publish(event), 40_000)
    expect((await stored(bus, `evt.users.user.registered.${event.aggregateId}`))?.seq).toBeGreaterThan(0)
  })

  it('connects when NATS comes later', async () => {
    const proxy = await startProxy(natsAddress())
    await proxy.cut()
    const bus = testBus(`nats://${proxy.address}`)
    await expect(bus.publish(outgoing(randomUUID(), 1))).rejects.toThrow('not connected')
    await proxy.restore()
    await bus.ready()
    await bus.publish(outgoing(randomUUID(), 1))
  })

  it('closes at once when it was never connected, and when NATS went away', async () => {
    const proxy = await startProxy(natsAddress())
    const [never, gone] = [testBus('nats://127.0.0.1:1'), testBus(`nats://${proxy.address}`)]
    await gone.ready()
    await proxy.cut()
    await vi.waitFor(() => expect(gone.probe()).rejects.toThrow('not connected'), 40_000)
    const started = performance.now()
    await Promise.all([never.close(), gone.close()])
    await expect(never.ready()).rejects.toThrow()
    expect(performance.now() - started).toBeLessThan(4_900)
    await never.close()
  })
})
