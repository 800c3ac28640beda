/** What every channel must do, whichever it is: each channel's test runs this against the real thing. */
import { setTimeout as sleep } from 'node:timers/promises'
import type * as vitest from 'vitest'
import type { AnyDomainEvent } from '#contracts/events.ts'
import type { Channel } from './channel.ts'

type Vitest = Pick<typeof vitest, 'describe' | 'it' | 'expect' | 'beforeAll' | 'afterAll'>

export interface ChannelUnderTest {
  channel: Channel
  /** An event that this channel tells somebody of, each time another one. */
  event(): AnyDomainEvent
  /** An event that is nobody's business on this channel. */
  otherEvent(): AnyDomainEvent
  /** How often somebody out there was told of the event. */
  told(eventId: string): number
  /** Makes whoever the channel talks to fail, and work again. */
  outage(on: boolean): Promise<void>
  /** All that the channel has logged. */
  log(): string
  /** Addresses, numbers, names and secrets that must not be logged. */
  secrets(): string[]
  stop(): Promise<void>
}

/**
 * A channel may take a while: it may have a queue of its own, and pauses between its attempts. Less than a test may take, so
 * that it ends with how often was told.
 */
const PATIENCE = { timeout: 40_000, interval: 50 }
const QUIET_MS = 500

/**
 * Declares the tests.
 *
 * @example describeChannel({ describe, it, expect, beforeAll, afterAll }, 'email', startEmail)
 */
export function describeChannel(
  { describe, it, expect, beforeAll, afterAll }: Vitest,
  name: string,
  start: () => Promise<ChannelUnderTest>,
): void {
  describe(`the channel ${name}`, () => {
    let subject: ChannelUnderTest

    beforeAll(async () => {
      subject = await start()
    })
    afterAll(() => subject.stop())

    /** As the consumer does it: again until the channel is done with it. */
    async function deliver(event: AnyDomainEvent): Promise<void> {
      for (let pause = 50; ; pause = Math.min(1_000, pause * 2)) {
        try {
          return await subject.channel.deliver(event)
        } catch {
          await sleep(pause)
        }
      }
    }

    const isTold = (event: AnyDomainEvent, times = 1) =>
      expect.poll(() => subject.told(event.eventId), PATIENCE).toBe(times)

    it('has the name of its folder, and listens to events', () => {
      expect(subject.channel.name).toBe(name)
      expect(subject.channel.subjects.length).toBeGreaterThan(0)
      for (const filter of subject.channel.subjects) expect(filter).toMatch(/^evt\.[a-z]+(\.[a-z_*]+)*\.>$/)
    })

    it('tells of an event once, however often it comes', async () => {
      const event = subject.event()
      await deliver(event)
      await isTold(event)
      await deliver(event)
      await sleep(QUIET_MS)
      expect(subject.told(event.eventId)).toBe(1)
    })

    it('tells of an event once that comes ten times at the same moment', async () => {
      const event = subject.event()
      await Promise.all(Array.from({ length: 10 }, () => deliver(event)))
      await isTold(event)
      await sleep(QUIET_MS)
      expect(subject.told(event.eventId)).toBe(1)
    })

    it('tells of two events twice', async () => {
      const events = [subject.event(), subject.event()]
      await Promise.all(events.map(deliver))
      for (const event of events) await isTold(event)
    })

    it('is done with what is nobody’s business, and tells nobody', async () => {
      const event = subject.otherEvent()
      await subject.channel.deliver(event)
      await sleep(QUIET_MS)
      expect(subject.told(event.eventId)).toBe(0)
    })

    it('loses nothing while nobody can be told, and tells it once afterwards', async () => {
      const event = subject.event()
      await subject.outage(true)
      const delivered = deliver(event)
      await sleep(QUIET_MS)
      await subject.outage(false)
      await delivered
      await isTold(event)
      await sleep(QUIET_MS)
      expect(subject.told(event.eventId)).toBe(1)
    })

    it('has written no secret and nothing about a person into the log', () => {
      const log = subject.log()
      expect(subject.secrets().length).toBeGreaterThan(0)
      for (const secret of subject.secrets()) expect(log).not.toContain(secret)
    })
  })
}
