/**
 * Commands that are repeated have one effect and one answer. A key is taken in a short transaction of its own, with a
 * lease; it is finished in the transaction of the effect. The token fences a holder whose lease ran out.
 */
import { createHash, randomUUID } from 'node:crypto'
import { stringify } from 'safe-stable-stringify'
import Type from 'typebox'
import { ERRORS, isErrorCode } from '#contracts/errors.ts'
import type { Sql } from './database.ts'
import { ProblemError } from './problem.ts'
import { parser } from './validation.ts'

const LEASE_SECONDS = 30
const KEPT_HOURS = 48

export interface Command {
  /** Who sends it: keys of different callers never meet. */
  caller: string
  key: string
  method: string
  route: string
  body: unknown
}

export interface StoredAnswer<Body = unknown> {
  status: number
  body: Body
}

/** Writes the answer beside the effect; call it in the transaction of the effect. */
export type Finish = (tx: Sql, answer: StoredAnswer) => Promise<void>

/** SHA-256 of what makes two requests the same. */
export function fingerprintOf({ caller, method, route, body }: Omit<Command, 'key'>): string {
  const canonical = stringify([method, route, caller, body ?? null]) ?? ''
  return createHash('sha256').update(canonical).digest('hex')
}

/** A stable id for the Temporal Update that a command becomes. */
export const updateIdOf = ({ caller, route, key }: Pick<Command, 'caller' | 'route' | 'key'>): string =>
  createHash('sha256')
    .update(JSON.stringify([caller, route, key]))
    .digest('hex')

/**
 * Runs `work` unless this command was answered before; then gives that answer.
 *
 * `work` must call `finish` in the transaction of its effect. A refusal that it throws is an answer too, and is given again;
 * after any other error the key is free: nothing happened.
 *
 * @throws ProblemError `idempotency_key_reused` (another body) or `idempotency_in_progress` (the first is still running)
 */
export async function once<Body>(
  database: Sql,
  command: Command,
  work: (finish: Finish) => Promise<StoredAnswer<Body>>,
): Promise<StoredAnswer<Body> & { replayed: boolean }> {
  const token = randomUUID()
  const stored = await take(database, command, token)
  if (stored !== undefined) {
    if (stored.status >= ERROR_STATUS) throw refusalFrom(stored.body)
    // the fingerprint holds the route, so that this is what an earlier `work` of the same call site stored
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return { status: stored.status, body: stored.body as Body, replayed: true }
  }
  try {
    const answer = await work((tx, result) => finish(tx, command, token, result))
    return { ...answer, replayed: false }
  } catch (error) {
    const settled = isDecision(error)
      ? finish(database, command, token, { status: error.status, body: storedRefusal(error) })
      : release(database, command, token)
    // should the database be away too, the lease frees the key; what failed first is what the caller is told
    await settled.catch(() => {})
    throw error
  }
}

/** From here on a stored answer is a refusal. */
const ERROR_STATUS = 400
const DECISIONS = [409, 422]

/**
 * Whether the command was understood and decided against: the same key is not decided anew. What names fields of the
 * request, finds nothing there, meets another version or asks to come again has decided nothing.
 */
const isDecision = (error: unknown): error is ProblemError =>
  error instanceof ProblemError &&
  DECISIONS.includes(error.status) &&
  !('undecided' in ERRORS[error.code]) &&
  error.errors === undefined &&
  error.retryAfter === undefined

const storedRefusal = ({ code, message }: ProblemError) => ({ code, detail: message })

const parseRefusal = parser('the stored answer', Type.Object({ code: Type.String(), detail: Type.String() }))

function refusalFrom(body: unknown): ProblemError {
  const { code, detail } = parseRefusal(body)
  // an earlier version may have known other codes
  return new ProblemError(isErrorCode(code) ? code : 'conflict', detail, { replayed: true })
}

async function take(database: Sql, command: Command, token: string): Promise<StoredAnswer | undefined> {
  const { caller, key } = command
  const fingerprint = fingerprintOf(command)
  const taken = await database.$executeRaw`
    INSERT INTO idempotency_keys AS known (caller, key, fingerprint, token, lease_until, expires_at)
    VALUES (${caller}, ${key}, ${fingerprint}, ${token}::uuid,
            now() + make_interval(secs => ${LEASE_SECONDS}), now() + make_interval(hours => ${KEPT_HOURS}))
    ON CONFLICT (caller, key) DO UPDATE
      SET fingerprint = EXCLUDED.fingerprint, token = EXCLUDED.token, lease_until = EXCLUDED.lease_until,
          expires_at = EXCLUDED.expires_at, status = NULL, body = NULL
      WHERE known.expires_at < now()
         OR (known.status IS NULL AND known.lease_until < now() AND known.fingerprint = EXCLUDED.fingerprint)`
  if (taken === 1) return undefined
  const [row] = await database.$queryRaw<{ fingerprint: string; status: number | null; body: unknown }[]>`
    SELECT fingerprint, status, body FROM idempotency_keys WHERE caller = ${caller} AND key = ${key}`
  if (row !== undefined && row.fingerprint !== fingerprint) {
    throw new ProblemError('idempotency_key_reused', 'This Idempotency-Key came before with another request.')
  }
  if (row?.status == null) {
    throw new ProblemError(
      'idempotency_in_progress',
      'The first request with this key has not been answered yet.',
      {
        retryAfter: 1,
      },
    )
  }
  return { status: row.status, body: row.body }
}

async function finish(tx: Sql, { caller, key }: Command, token: string, answer: StoredAnswer): Promise<void> {
  const finished = await tx.$executeRaw`
    UPDATE idempotency_keys SET status = ${answer.status}, body = ${JSON.stringify(answer.body)}::jsonb
    WHERE caller = ${caller} AND key = ${key} AND token = ${token}::uuid AND status IS NULL`
  if (finished !== 1) {
    throw new ProblemError('idempotency_in_progress', 'Another request with this key has taken over.', {
      retryAfter: 1,
    })
  }
}

async function release(database: Sql, { caller, key }: Command, token: string): Promise<void> {
  await database.$executeRaw`
    DELETE FROM idempotency_keys WHERE caller = ${caller} AND key = ${key} AND token = ${token}::uuid AND status IS NULL`
}

/** Forgets a batch of answers that are older than they are kept; a key that is taken anew meanwhile stays. */
export const purgeIdempotencyKeys = (database: Sql, batch: number): PromiseLike<number> =>
  database.$executeRaw`
    DELETE FROM idempotency_keys WHERE expires_at < now() AND (caller, key) IN (
      SELECT caller, key FROM idempotency_keys WHERE expires_at < now() ORDER BY expires_at LIMIT ${batch})`
