/**
 * What a consumer does with one event that was handed to it. Its own failures are counted and end in a dead letter; while
 * something around it is away it is kept in hand, uncounted, and tried until that is back. An event that waits for an
 * earlier one of its aggregate is given back.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { AnyDomainEvent } from '#contracts/events.ts'
import type { ServiceName } from '#contracts/services.ts'
import type { Logger } from '../logger.ts'
import { isOutage } from '../outage.ts'
import { continueTrace, withTrace } from '../trace.ts'
import { ValidationError } from '../validation.ts'
import { writeDeadLetter, writeNote, type RedriveOutcome } from './dead-letters.ts'
import type { EventBus } from './event-bus.ts'
import { EventGapError } from './inbox.ts'
import { parseEvent } from './parse-event.ts'

/** An event, and how to tell the broker what becomes of it. */
export interface Delivery {
  /** The same for every delivery of one message. */
  id: string
  /** `evt.…`, where the event came from. */
  subject: string
  data: Uint8Array
  trace: string | undefined
  /** How often it was delivered, this time included. */
  deliveries: number
  /** The dead letter that it was, when an operator sends one again. */
  redrive: { letter: number; by: string } | undefined
  ack(): void
  /** It is to come again. */
  giveBack(afterMs: number): void
  /** It is never to come again. */
  drop(): void
  /** It is still being worked on. */
  keep(): void
}

export interface DeliveryOptions {
  bus: EventBus
  service: ServiceName
  durable: string
  handle: (event: AnyDomainEvent) => Promise<void>
  logger: Logger
  /** Failures of its own before an event is dead. */
  maxFailures: number
  /** Ends the waiting for what is away. */
  signal: AbortSignal
}

/** An event that waits for an earlier one must outlast all that one's retries. */
const GAP_PATIENCE = 4
/** The cause should be gone when an operator sends a letter again; and they are waiting. */
const MAX_FAILURES_OF_REDRIVE = 3
const OUTAGE_PAUSE_MAX_MS = 15_000
/** A handler that has not ended by then hangs. */
const HANDLER_PATIENCE_MS = 60_000

interface Failures {
  own: number
  gaps: number
}

export function createReceiver(options: DeliveryOptions): (delivery: Delivery) => Promise<void> {
  const { bus, service, durable, handle, logger, maxFailures, signal } = options
  const failuresOf = new Map<string, Failures>()

  return (delivery) => withTrace(continueTrace(delivery.trace), () => receive(delivery))

  async function receive(delivery: Delivery): Promise<void> {
    const failures = failuresOf.get(delivery.id) ?? { own: 0, gaps: 0 }
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        assertNotFatal(delivery, failures)
        await inTime(handle(parseEvent(delivery)))
      } catch (error) {
        if (!isOutage(error)) return failed(delivery, failures, error)
        await outlast(delivery, error, attempt)
        continue
      }
      return handled(delivery)
    }
    delivery.giveBack(0)
  }

  /** A handler that takes the process with it never gets to write the dead letter itself. */
  function assertNotFatal({ deliveries }: Delivery, { own, gaps }: Failures): void {
    if (deliveries - own - gaps > maxFailures * GAP_PATIENCE)
      throw new UnfinishedEventError('it was never handled to the end')
  }

  async function outlast({ subject }: Delivery, error: unknown, attempt: number): Promise<void> {
    const pauseMs =
      Math.min(OUTAGE_PAUSE_MAX_MS, 250 * 2 ** Math.min(attempt, 10)) * (0.5 + Math.random() / 2)
    if (attempt === 1)
      logger.warn({ err: error, durable, subject }, 'an event waits for something that is away')
    await sleep(pauseMs, undefined, { signal }).catch(() => {}) // or until the consumer is stopped
  }

  async function handled(delivery: Delivery): Promise<void> {
    const { id, redrive } = delivery
    failuresOf.delete(id)
    if (redrive !== undefined) await note('handled', redrive)
    delivery.ack()
  }

  async function failed(delivery: Delivery, failures: Failures, error: unknown): Promise<void> {
    const { id, subject, redrive } = delivery
    const isGap = error instanceof EventGapError
    if (isGap) failures.gaps += 1
    else failures.own += 1
    failuresOf.set(id, failures)
    if (isFinal(error) || failures.own >= limitOf(delivery) || failures.gaps >= maxFailures * GAP_PATIENCE)
      return bury(delivery, failures, error)
    logger[isGap ? 'debug' : 'warn'](
      { err: error, durable, subject, ...failures, redrive },
      'an event will be delivered again',
    )
    delivery.giveBack(
      isGap ? Math.min(5_000, 50 * 2 ** failures.gaps) : Math.min(30_000, 250 * 2 ** failures.own),
    )
  }

  function limitOf({ redrive }: Delivery): number {
    return redrive === undefined ? maxFailures : Math.min(maxFailures, MAX_FAILURES_OF_REDRIVE)
  }

  /** Moves an event to the dead-letter stream; it stays where it is until that is stored. */
  async function bury(delivery: Delivery, failures: Failures, error: unknown): Promise<void> {
    const { id, subject, data, trace, deliveries, redrive } = delivery
    try {
      const letter = { service, consumer: durable, subject, data, error, deliveries, trace }
      await writeDeadLetter(bus, { ...letter, redriveOf: redrive?.letter })
      if (redrive !== undefined) await note('failed', redrive)
    } catch (cause) {
      logger.error({ err: cause, durable, subject }, 'a dead letter could not be stored')
      delivery.giveBack(5_000)
      return
    }
    failuresOf.delete(id)
    delivery.drop()
    logger.error({ err: error, durable, subject, ...failures }, 'an event went to the dead letters')
  }

  function note(outcome: RedriveOutcome, { letter, by }: { letter: number; by: string }): Promise<void> {
    return writeNote(bus, { service, consumer: durable, sequence: letter }, { outcome, by })
  }
}

/** What hangs must not hold its aggregate for ever; should it end after all, the inbox makes a second time harmless. */
async function inTime(work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('it was not handled within a minute')), HANDLER_PATIENCE_MS)
  })
  await Promise.race([work, late]).finally(() => clearTimeout(timer))
}

class UnfinishedEventError extends Error {
  override readonly name = 'UnfinishedEventError'
}

/** What no retry changes. */
const isFinal = (error: unknown): boolean =>
  error instanceof ValidationError || error instanceof UnfinishedEventError
