/**
 * Dead letters: events that a consumer gave up, in a stream of their own that only grows. A letter that is sent again
 * gets a note there of what became of it; requests to send one again wait in a stream for the consumer it is from. A
 * request names its letter and holds nothing of it: nobody can slip a consumer another service's event that way.
 */
import type { JetStreamManager } from '@nats-io/jetstream'
import { headers, type MsgHdrs } from '@nats-io/transport-node'
import { DEAD_LETTER_STREAM } from '#contracts/events.ts'
import type { EventBus } from './event-bus.ts'

const HEADER = {
  subject: 'Mainstay-Subject',
  consumer: 'Mainstay-Consumer',
  error: 'Mainstay-Error',
  deliveries: 'Mainstay-Deliveries',
  /** Of a note, and of a request: which operator asked. */
  by: 'Mainstay-By',
  /** Of a note: `handled`, or `failed` again, which made another letter. */
  outcome: 'Mainstay-Outcome',
  /** Of a letter that an earlier one became when it was sent again. */
  redriveOf: 'Mainstay-Redrive-Of',
} as const

const ERROR_LENGTH = 500

export const letterSubject = (service: string, consumer: string): string => `dlq.${service}.${consumer}`
export const noteSubject = (service: string, consumer: string, letter: number | string): string =>
  `${letterSubject(service, consumer)}.redriven.${letter}`
export const redriveSubject = (service: string, consumer: string, letter: number | string): string =>
  `redrive.${service}.${consumer}.${letter}`

/** A message of the dead-letter stream: an event that was given up. */
export interface DeadLetter {
  /** Its number in the stream. */
  sequence: number
  service: string
  consumer: string
  /** Where the event came from. */
  subject: string
  data: Uint8Array
  error: string
  deliveries: number
  /** When it was given up. */
  at: Date
  trace: string | undefined
  redriveOf: number | undefined
}

interface StoredMessage {
  seq: number
  subject: string
  data: Uint8Array
  header: MsgHdrs | undefined
  time: Date
}

/** @returns undefined when the message is no letter, but a note */
export function toDeadLetter({ seq, subject, data, header, time }: StoredMessage): DeadLetter | undefined {
  const [, service, consumer, ...more] = subject.split('.')
  if (service === undefined || consumer === undefined || more.length > 0) return undefined
  const read = (name: string): string => header?.get(name) ?? ''
  const trace = read('traceparent')
  const redriveOf = read(HEADER.redriveOf)
  return {
    sequence: seq,
    service,
    consumer,
    subject: read(HEADER.subject),
    data,
    error: read(HEADER.error),
    deliveries: Number(read(HEADER.deliveries)),
    at: time,
    trace: trace === '' ? undefined : trace,
    redriveOf: redriveOf === '' ? undefined : Number(redriveOf),
  }
}

/** The message of that number; undefined when there is none (any more), or it is a note. */
export async function findDeadLetter(
  manager: JetStreamManager,
  sequence: number,
): Promise<DeadLetter | undefined> {
  const message = await manager.streams.getMessage(DEAD_LETTER_STREAM, { seq: sequence })
  return message === null ? undefined : toDeadLetter(message)
}

export interface NewDeadLetter {
  service: string
  consumer: string
  subject: string
  data: Uint8Array
  error: unknown
  deliveries: number
  trace: string | undefined
  redriveOf: number | undefined
}

/** Resolves when the letter is stored. */
export function writeDeadLetter(bus: EventBus, letter: NewDeadLetter): Promise<void> {
  const { error } = letter
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  const letterHeaders = headers()
  letterHeaders.set(HEADER.subject, letter.subject)
  letterHeaders.set(HEADER.consumer, letter.consumer)
  letterHeaders.set(HEADER.error, oneLine(detail))
  letterHeaders.set(HEADER.deliveries, String(letter.deliveries))
  if (letter.trace !== undefined) letterHeaders.set('traceparent', letter.trace)
  if (letter.redriveOf !== undefined) letterHeaders.set(HEADER.redriveOf, String(letter.redriveOf))
  return bus.store(letterSubject(letter.service, letter.consumer), letter.data, letterHeaders)
}

/** What mail servers and others quote in their errors is not kept with an event. */
const oneLine = (text: string): string =>
  text
    .replace(/[\r\n]+/g, ' ')
    .replace(/[^\s<>"'(),;:]+@[^\s<>"'(),;:]+/g, '[address]')
    .slice(0, ERROR_LENGTH)

/** What became of a letter that was sent again: `failed` means that it is a letter again, a new one. */
export type RedriveOutcome = 'handled' | 'failed'

export function writeNote(
  bus: EventBus,
  { service, consumer, sequence }: Pick<DeadLetter, 'service' | 'consumer' | 'sequence'>,
  { outcome, by }: { outcome: RedriveOutcome; by: string },
): Promise<void> {
  const noteHeaders = headers()
  noteHeaders.set(HEADER.outcome, outcome)
  noteHeaders.set(HEADER.by, by)
  return bus.store(noteSubject(service, consumer, sequence), new Uint8Array(), noteHeaders)
}

export interface RedriveNote {
  outcome: RedriveOutcome
  by: string
  at: Date
}

export const readNote = ({ header, time }: StoredMessage): RedriveNote => ({
  outcome: header?.get(HEADER.outcome) === 'failed' ? 'failed' : 'handled',
  by: header?.get(HEADER.by) ?? '',
  at: time,
})

/** Who asked for a letter to be sent again, as the request's headers carry it. */
export function requestHeaders(by: string): MsgHdrs {
  const request = headers()
  request.set(HEADER.by, by)
  return request
}

export const requestedBy = (request: MsgHdrs | undefined): string => request?.get(HEADER.by) ?? ''
