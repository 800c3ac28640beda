/** Dead letters as operators see them: listed, and sent to their consumer again. */
import { JetStreamApiError, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream'
import { DEAD_LETTER_STREAM, REDRIVE_STREAM } from '#contracts/events.ts'
import {
  findDeadLetter,
  letterSubject,
  noteSubject,
  readNote,
  redriveSubject,
  requestHeaders,
  toDeadLetter,
  type DeadLetter,
  type RedriveNote,
} from './dead-letters.ts'
import type { EventBus } from './event-bus.ts'

export interface ListedLetter {
  letter: DeadLetter
  /** Whether its consumer has been asked to take it again and has not answered yet. */
  isRedriving: boolean
  /** What became of it when it was sent again. */
  note: RedriveNote | undefined
}

export interface DeadLetters {
  /**
   * Letters after that number in the stream, oldest first: at most `limit`, fewer only at the end (`more` is false) or
   * when very many in between have been sent again.
   */
  list(page: { after: number; limit: number; includeRedriven: boolean }): Promise<{
    letters: ListedLetter[]
    /** The number that the next page begins after; undefined at the end. */
    next: number | undefined
  }>
  find(sequence: number): Promise<ListedLetter | undefined>
  /** Asks a letter's consumer to take it again. Asking twice is asking once. */
  redrive(letter: DeadLetter, by: string): Promise<void>
}

/** Messages looked at for one page. */
const LOOKED_AT = 2_000
const TOO_MANY_FOR_SUBJECT = 10_077

export function createDeadLetters(bus: EventBus): DeadLetters {
  return {
    async list({ after, limit, includeRedriven }) {
      const manager = await open(bus)
      const [noted, requests] = await Promise.all([
        subjectsOf(manager, DEAD_LETTER_STREAM, noteSubject('*', '*', '*')),
        subjectsOf(manager, REDRIVE_STREAM, redriveSubject('*', '*', '*')),
      ])
      const letters: ListedLetter[] = []
      let last = after
      for (let looked = 0; looked < LOOKED_AT; looked++) {
        const letter = await nextLetter(manager, last)
        if (letter === undefined) return { letters, next: undefined }
        if (letters.length === limit) return { letters, next: last }
        last = letter.sequence
        const hasNote = noted.has(noteSubject(letter.service, letter.consumer, letter.sequence))
        if (hasNote && !includeRedriven) continue
        const note = hasNote ? await noteOf(manager, letter) : undefined
        letters.push({ letter, isRedriving: !hasNote && isRequested(requests, letter), note })
      }
      return { letters, next: last }
    },
    async find(sequence) {
      const manager = await open(bus)
      const letter = await findDeadLetter(manager, sequence)
      if (letter === undefined) return undefined
      const { service, consumer } = letter
      const [note, requests] = await Promise.all([
        noteOf(manager, letter),
        subjectsOf(manager, REDRIVE_STREAM, redriveSubject(service, consumer, sequence)),
      ])
      return { letter, isRedriving: note === undefined && isRequested(requests, letter), note }
    },
    async redrive({ service, consumer, sequence }, by) {
      try {
        await bus.store(redriveSubject(service, consumer, sequence), new Uint8Array(), requestHeaders(by))
      } catch (error) {
        // it waits already
        if (!(error instanceof JetStreamApiError && error.code === TOO_MANY_FOR_SUBJECT)) throw error
      }
    },
  }
}

/** Fails at once while the broker is away. */
async function open(bus: EventBus): Promise<JetStreamManager> {
  await bus.probe()
  return jetstreamManager((await bus.ready()).connection)
}

/** The subjects of a stream that match; there is one for each letter that has a note, or a request that waits. */
async function subjectsOf(manager: JetStreamManager, stream: string, filter: string): Promise<Set<string>> {
  const { state } = await manager.streams.info(stream, { subjects_filter: filter })
  return new Set(Object.keys(state.subjects ?? {}))
}

async function nextLetter(manager: JetStreamManager, after: number): Promise<DeadLetter | undefined> {
  const query = { seq: after + 1, next_by_subj: letterSubject('*', '*') }
  const message = await manager.streams.getMessage(DEAD_LETTER_STREAM, query)
  return message === null ? undefined : toDeadLetter(message)
}

async function noteOf(
  manager: JetStreamManager,
  { service, consumer, sequence }: DeadLetter,
): Promise<RedriveNote | undefined> {
  const query = { last_by_subj: noteSubject(service, consumer, sequence) }
  const message = await manager.streams.getMessage(DEAD_LETTER_STREAM, query)
  return message === null ? undefined : readNote(message)
}

const isRequested = (requests: Set<string>, { service, consumer, sequence }: DeadLetter): boolean =>
  requests.has(redriveSubject(service, consumer, sequence))
