/**
 * The timeline as it happens: one look into the database for all streams of this process, a few times a second, as long as
 * anybody listens.
 */
import { PassThrough, type Readable } from 'node:stream'
import type { TimelineEntry } from '#contracts/http/orders.ts'
import type { Stoppable } from '#platform/lifecycle.ts'
import type { Logger } from '#platform/logger.ts'
import { startLoop } from '#platform/loop.ts'
import { ProblemError } from '#platform/problem.ts'
import type { OrdersDatabase } from '../store.ts'
import { formatEvent, HEARTBEAT, PREAMBLE, type Position } from './event-format.ts'

export interface LiveTimelineOptions {
  database: OrdersDatabase
  logger: Logger
  pollMs?: number
  heartbeatMs?: number
  /** After this a client has to come again, and to prove anew who it is. */
  lifeMs?: number
  perCaller?: number
  atMost?: number
}

export interface LiveTimeline extends Stoppable {
  /**
   * The order's entries after a position, and every later one.
   *
   * @throws ProblemError `rate_limited` for a caller's stream too many, `unavailable` when there are too many in all
   */
  open(input: { orderId: string; caller: string; after: Position }): Readable
}

/** A client that does not read this much is let go; it comes back and goes on where it was. */
const MAX_UNREAD_BYTES = 1_048_576
/** Entries that one stream gets in one round. */
const BATCH = 100

interface Stream {
  orderId: string
  caller: string
  position: Position
  body: PassThrough
  ends: NodeJS.Timeout
}

interface Row {
  stream: number
  xact: string
  id: string
  at: Date
  kind: TimelineEntry['kind']
  name: string
  status: string
  detail: string | null
  trace_id: string | null
}

export function createLiveTimeline({
  database,
  logger,
  pollMs = 300,
  heartbeatMs = 15_000,
  lifeMs = 900_000,
  perCaller = 10,
  atMost = 1_000,
}: LiveTimelineOptions): LiveTimeline {
  const streams = new Set<Stream>()
  const loop = startLoop({ name: 'live timelines', everyMs: pollMs, work: tell, logger })
  const beat = setInterval(() => {
    for (const stream of streams) send(stream, HEARTBEAT)
  }, heartbeatMs)

  return {
    open({ orderId, caller, after }) {
      assertRoomFor(caller)
      const body = new PassThrough()
      const ends = setTimeout(() => body.end(), lifeMs)
      const stream = { orderId, caller, position: after, body, ends }
      streams.add(stream)
      body.once('close', () => forget(stream))
      send(stream, PREAMBLE)
      loop.nudge()
      return body
    },
    async stop() {
      clearInterval(beat)
      for (const { body } of streams) body.end()
      await loop.stop()
    },
  }

  function assertRoomFor(caller: string): void {
    const open = [...streams].filter((stream) => stream.caller === caller).length
    if (open >= perCaller) {
      const detail = `You listen to ${open} orders already; close one first.`
      throw new ProblemError('rate_limited', detail, { retryAfter: 5 })
    }
    if (streams.size >= atMost)
      throw new ProblemError('unavailable', 'Too many listen at the moment.', { retryAfter: 5 })
  }

  function forget(stream: Stream): void {
    clearTimeout(stream.ends)
    streams.delete(stream)
  }

  function send({ body }: Stream, text: string): void {
    if (body.writableEnded || body.destroyed) return
    if (body.writableLength > MAX_UNREAD_BYTES) body.destroy()
    else body.write(text)
  }

  /** @returns whether one of them may have more to read at once */
  async function tell(): Promise<boolean> {
    const listening = [...streams]
    if (listening.length === 0) return false
    const rows = await news(database, listening)
    const told = new Map<Stream, number>()
    for (const row of rows) {
      const stream = listening[row.stream]
      if (stream === undefined) continue
      const position = { xact: row.xact, id: row.id }
      send(stream, formatEvent(position, present(row)))
      stream.position = position
      told.set(stream, (told.get(stream) ?? 0) + 1)
    }
    return [...told.values()].some((count) => count === BATCH)
  }
}

/**
 * Entries of transactions older than every one that still runs: nothing can come before them any more, so that a position
 * never passes over an entry that is committed late.
 */
function news(database: OrdersDatabase, listening: readonly Stream[]): PromiseLike<Row[]> {
  const wanted = listening.map(({ orderId, position }, stream) => ({ stream, orderId, ...position }))
  return database.$queryRaw<Row[]>`
    SELECT stream, entry.* FROM jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb)
      AS wanted (stream int, "orderId" uuid, xact xid8, id bigint)
    CROSS JOIN LATERAL (
      SELECT xact::text AS xact, id::text AS id, at, kind, name, status, detail, trace_id
      FROM timeline_entries AS entry
      WHERE entry.order_id = wanted."orderId" AND (entry.xact, entry.id) > (wanted.xact, wanted.id)
        AND entry.xact < pg_snapshot_xmin(pg_current_snapshot())
      ORDER BY entry.xact, entry.id LIMIT ${BATCH}
    ) AS entry ORDER BY stream, entry.xact::xid8, entry.id::bigint`
}

const present = ({ at, kind, name, status, detail, trace_id: traceId }: Row): TimelineEntry => ({
  at: at.toISOString(),
  kind,
  name,
  status,
  detail,
  traceId,
})
