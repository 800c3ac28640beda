/** Passwords: argon2id, as many at once as there are cores, the others wait their turn. */
import { availableParallelism } from 'node:os'
import { hash, verify } from '@node-rs/argon2'
import { ProblemError } from '#platform/problem.ts'
import { newSecret } from './secrets.ts'

/** OWASP's second configuration: 19 MiB, two passes, one lane; argon2id is the library's default. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const

/** About three seconds of work for each core; who comes later is told to come back. */
const WAITING_PER_CORE = 100

export interface Passwords {
  hash(password: string): Promise<string>
  /** Takes as long for `undefined` (there is no such account) as for a wrong password. */
  verify(passwordHash: string | undefined, password: string): Promise<boolean>
  /** A hash that no password has. */
  unusable(): Promise<string>
}

export function createPasswords(
  atOnce = availableParallelism(),
  waitingPerCore = WAITING_PER_CORE,
): Passwords {
  const limited = createLimiter(atOnce, atOnce * waitingPerCore)
  let dummy: Promise<string> | undefined

  const hashPassword = (password: string) => limited(() => hash(password, COST))
  return {
    hash: hashPassword,
    async verify(passwordHash, password) {
      const known = passwordHash ?? (await (dummy ??= hash(newSecret(), COST)))
      const matches = await limited(() => verify(known, password))
      return matches && passwordHash !== undefined
    },
    unusable: () => hashPassword(newSecret()),
  }
}

/** Runs `atOnce` at the same time, in the order they came; refuses when `waiting` are in the queue. */
function createLimiter(atOnce: number, waiting: number) {
  const queue: (() => void)[] = []
  let running = 0

  return async <R>(work: () => Promise<R>): Promise<R> => {
    if (running < atOnce) running += 1
    else {
      if (queue.length >= waiting) {
        throw new ProblemError('unavailable', 'Too many passwords are being checked.', { retryAfter: 2 })
      }
      await new Promise<void>((resolve) => queue.push(resolve)) // whoever finishes hands its place over
    }
    try {
      return await work()
    } finally {
      const next = queue.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
}
