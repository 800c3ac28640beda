/** Dead letters of all services, for operators: the list, and sending one to its consumer again. */
import Type from 'typebox'
import * as http from '#contracts/http/operations.ts'
import type { DeadLetter } from '#contracts/http/operations.ts'
import type { Sql } from '#platform/database.ts'
import type { DeadLetters, ListedLetter } from '#platform/events/redrive.ts'
import { addRoute } from '#platform/http/contract.ts'
import { commandOf, replayHeaders } from '#platform/http/once-per-key.ts'
import type { HttpServer } from '#platform/http/server.ts'
import { once } from '#platform/idempotency.ts'
import { decodeCursor, encodeCursor } from '#platform/keyset.ts'
import { isOutage } from '#platform/outage.ts'
import { notFound, ProblemError } from '#platform/problem.ts'
import type { CallerVerifier } from '#platform/service-token.ts'
import { compileLiteral } from '#platform/validation.ts'

const AfterLetter = Type.Tuple([Type.Integer({ minimum: 0 })], { additionalItems: false, minItems: 1 })

export function registerDeadLetterRoutes(
  app: HttpServer,
  verifyCaller: CallerVerifier,
  { database, deadLetters }: { database: Sql; deadLetters: DeadLetters },
): void {
  addRoute(app, verifyCaller, http.listDeadLetters, async ({ query }) => {
    const [after] = decodeCursor(AfterLetter, query.cursor) ?? [0]
    const page = { after, limit: query.limit ?? 20, includeRedriven: query.redriven ?? false }
    const { letters, next } = await reachable(deadLetters.list(page))
    const nextCursor = next === undefined ? null : encodeCursor([next])
    return { status: 200, body: { data: letters.map(present), nextCursor } }
  })

  addRoute(app, verifyCaller, http.redriveDeadLetter, async (call) => {
    const { params, caller } = call
    const { replayed, body } = await once(
      database,
      commandOf(http.redriveDeadLetter, call),
      async (finish) => {
        const listed = await reachable(deadLetters.find(Number(params.id)))
        if (listed === undefined) throw notFound('dead letter')
        if (listed.note !== undefined) throw alreadyRedriven(listed)
        // should the process end here, the repeat asks once more, which is asking once
        await reachable(deadLetters.redrive(listed.letter, caller.subject))
        const answer = { status: 202, body: present({ ...listed, isRedriving: true }) }
        await finish(database, answer)
        return answer
      },
    )
    return { status: 202, body, headers: replayHeaders(replayed) }
  })
}

/** The broker holds the letters: while it is away there is nothing to show. */
const reachable = <R>(work: Promise<R>): Promise<R> =>
  work.catch((cause: unknown) => {
    if (!isOutage(cause)) throw cause
    const detail = 'The dead letters cannot be reached; send the request again.'
    throw new ProblemError('unavailable', detail, { cause, retryAfter: 2 })
  })

const alreadyRedriven = ({ letter, note }: ListedLetter): ProblemError =>
  new ProblemError(
    'dead_letter_redriven',
    note?.outcome === 'failed'
      ? `Letter ${letter.sequence} failed again; send the letter that it became.`
      : `Letter ${letter.sequence} has been handled.`,
  )

function present({ letter, isRedriving, note }: ListedLetter): DeadLetter {
  const { sequence, service, consumer, error, deliveries, at, redriveOf } = letter
  return {
    id: String(sequence),
    service,
    consumer,
    ...identityOf(letter.data),
    error,
    deliveries,
    since: at.toISOString(),
    status: note === undefined ? (isRedriving ? 'redriving' : 'dead') : STATUS_AFTER[note.outcome],
    redrivenAt: note?.at.toISOString() ?? null,
    redrivenBy: note?.by ?? null,
    redriveOf: redriveOf === undefined ? null : String(redriveOf),
  }
}

const STATUS_AFTER = { handled: 'redriven', failed: 'failed_again' } as const

const Identity = Type.Object({
  eventId: Type.String(),
  eventType: Type.String(),
  aggregateId: Type.String(),
  version: Type.Integer(),
})
const hasIdentity = compileLiteral(Identity)
const NO_EVENT = { eventId: null, eventType: null, aggregateId: null, version: null }

/** Ids only: what else is in a letter stays there. */
function identityOf(data: Uint8Array): Pick<DeadLetter, 'eventId' | 'eventType' | 'aggregateId' | 'version'> {
  try {
    const body: unknown = JSON.parse(new TextDecoder().decode(data))
    if (!hasIdentity(body)) return NO_EVENT
    const { eventId, eventType, aggregateId, version } = body
    return { eventId, eventType, aggregateId, version }
  } catch {
    return NO_EVENT // not even JSON, which is why it is here
  }
}
