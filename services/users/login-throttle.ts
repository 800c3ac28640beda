/**
 * Ten wrong passwords for an account from one address in fifteen minutes, then nobody gets in from there until the
 * fifteen minutes are over. Counted in the database, for every process. Attempts on one account from one address are
 * checked one after the other, so that a volley of guesses is counted as it goes.
 */
import { createHash } from 'node:crypto'
import { createKeyedQueue } from '#platform/events/keyed-queue.ts'
import { ProblemError } from '#platform/problem.ts'
import type { Sql } from '#platform/database.ts'

const FAILURES = 10
const WINDOW_SECONDS = 900

export interface Guess {
  email: string
  /** Where it comes from, as the gateway saw it. */
  address: string
}

export interface LoginThrottle {
  /**
   * Runs `check` unless there were too many failures; when it answers undefined, that is one more.
   *
   * @throws ProblemError `too_many_logins`, or `invalid_credentials` when `check` answers undefined
   */
  guard<R>(guess: Guess, check: () => Promise<R | undefined>): Promise<R>
  /** In the transaction of a success: forgets the failures, or throws when another process has counted too many by now. */
  succeed(tx: Sql, guess: Guess): Promise<void>
}

export function createLoginThrottle(database: Sql): LoginThrottle {
  const queue = createKeyedQueue()

  const oneAfterTheOther = <R>(key: string, work: () => Promise<R>): Promise<R> =>
    new Promise((resolve, reject) => {
      void queue.add(key, () => work().then(resolve, reject))
    })

  return {
    guard(guess, check) {
      const account = accountOf(guess)
      return oneAfterTheOther(`${account} ${guess.address}`, async () => {
        await assertFew(database, account, guess.address)
        const result = await check()
        if (result !== undefined) return result
        await count(database, account, guess.address)
        throw wrongCredentials()
      })
    },
    async succeed(tx, guess) {
      const account = accountOf(guess)
      await assertFew(tx, account, guess.address)
      await tx.$executeRaw`DELETE FROM login_failures WHERE account = ${account} AND address = ${guess.address}`
    },
  }
}

export const wrongCredentials = (): ProblemError =>
  new ProblemError('invalid_credentials', 'The e-mail address or the password is wrong.')

/** What people type into the field is not kept, only its hash. */
const accountOf = ({ email }: Guess): string => createHash('sha256').update(email.toLowerCase()).digest('hex')

async function assertFew(sql: Sql, account: string, address: string): Promise<void> {
  const [row] = await sql.$queryRaw<{ seconds: number }[]>`
    SELECT ceil(extract(epoch FROM since - now()) + ${WINDOW_SECONDS})::int AS seconds FROM login_failures
    WHERE account = ${account} AND address = ${address} AND failures >= ${FAILURES}
      AND since > now() - make_interval(secs => ${WINDOW_SECONDS})`
  if (row !== undefined) {
    throw new ProblemError(
      'too_many_logins',
      'There were too many wrong passwords; wait before the next one.',
      {
        retryAfter: Math.max(1, row.seconds),
      },
    )
  }
}

async function count(sql: Sql, account: string, address: string): Promise<void> {
  await sql.$executeRaw`
    INSERT INTO login_failures AS known (account, address, failures, since) VALUES (${account}, ${address}, 1, now())
    ON CONFLICT (account, address) DO UPDATE SET
      failures = CASE WHEN known.since > now() - make_interval(secs => ${WINDOW_SECONDS}) THEN known.failures + 1 ELSE 1 END,
      since = CASE WHEN known.since > now() - make_interval(secs => ${WINDOW_SECONDS}) THEN known.since ELSE now() END`
}

/** Forgets windows that are over. */
export const purgeLoginFailures = (sql: Sql): PromiseLike<number> =>
  sql.$executeRaw`DELETE FROM login_failures WHERE since < now() - make_interval(secs => ${WINDOW_SECONDS})`
