/** The timeline as server-sent events. Source: https://html.spec.whatwg.org/multipage/server-sent-events.html */
import type { TimelineEntry } from '#contracts/http/orders.ts'
import { ProblemError } from '#platform/problem.ts'

/**
 * A place in an order's timeline: the transaction that wrote the entry, and its id. Ids alone would lose entries: one that
 * took its id earlier may be committed later.
 */
export interface Position {
  xact: string
  id: string
}

export const BEGINNING: Position = { xact: '0', id: '0' }

const POSITION = /^(\d{1,18})-(\d{1,18})$/

/**
 * Where to go on, from a Last-Event-ID header; none is the beginning.
 *
 * @throws ProblemError `invalid_cursor` when it is not an id that such a stream gave out
 */
export function parseLastEventId(header: string | string[] | undefined): Position {
  if (header === undefined || header === '') return BEGINNING
  const [, xact, id] = POSITION.exec(String(header)) ?? []
  if (xact === undefined || id === undefined)
    throw new ProblemError('invalid_cursor', 'Last-Event-ID is not an id that this stream gave out.')
  return { xact, id }
}

export const formatEvent = ({ xact, id }: Position, entry: TimelineEntry): string =>
  `id: ${xact}-${id}\nevent: timeline\ndata: ${JSON.stringify(entry)}\n\n`

/** How long a client waits before it comes back, in milliseconds; sent first, so that the answer begins at once. */
export const PREAMBLE = 'retry: 2000\n\n'

/** Shows that the connection lives, to whoever stands between. */
export const HEARTBEAT = ': still here\n\n'
