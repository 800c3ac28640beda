import type { User } from '#contracts/http/users.ts'
import type { Finish } from '#platform/idempotency.ts'
import { ProblemError } from '#platform/problem.ts'
import type { LoginThrottle } from './login-throttle.ts'
import type { Passwords } from './passwords.ts'
import { endAllSessions } from './sessions.ts'
import { findAccount } from './find-users.ts'
import { emit, lockUser, toUser, type Store, type Transact } from './store.ts'

export interface UpdateMeInput {
  userId: string
  /** Where the call comes from: wrong current passwords are counted like failed logins. */
  address: string
  name?: string
  /** E.164; null takes it away. */
  phone?: string | null
  password?: { current: string; next: string }
  /** Keeps the answer for a repeat of the call, in the transaction of the change. */
  finish?: Finish
}

export interface UpdateMeDependencies {
  store: Store
  transact: Transact
  passwords: Passwords
  throttle: LoginThrottle
}

/**
 * Changes a person's own name, phone or password, several of them, or nothing. A new password ends every session, this one included.
 *
 * @throws ProblemError `invalid_credentials` or `too_many_logins` for the current password, `conflict` when the password
 *   was changed by someone else in the meantime
 */
export const createUpdateMe =
  ({ store, transact, passwords, throttle }: UpdateMeDependencies) =>
  async ({ userId, address, password, finish, ...fields }: UpdateMeInput): Promise<User> => {
    const change = password === undefined ? undefined : await prepare(password)
    return transact(async (tx) => {
      const user = await lockUser(tx, userId)
      const changed = { name: fields.name ?? user.name, phone: valueOr(fields.phone, user.phone) }
      if (changed.name !== user.name || changed.phone !== user.phone) {
        await tx.user.update({ where: { id: userId }, data: changed })
        await emit(tx, userId, 'user.changed', { userId })
      }
      if (change !== undefined) {
        if (user.passwordHash !== change.from)
          throw new ProblemError('conflict', 'The password was changed just now.')
        await throttle.succeed(tx, { email: user.email, address })
        await tx.user.update({ where: { id: userId }, data: { passwordHash: change.to } })
        await endAllSessions(tx, userId, 'password_changed')
      }
      const body = toUser({ ...user, ...changed })
      await finish?.(tx, { status: 200, body })
      return body
    })

    /** The slow part, outside of any transaction. */
    async function prepare({ current, next }: { current: string; next: string }) {
      const { email, passwordHash } = await findAccount(store, userId)
      await throttle.guard({ email, address }, async () =>
        (await passwords.verify(passwordHash, current)) ? true : undefined,
      )
      return { from: passwordHash, to: await passwords.hash(next) }
    }
  }

/** Null is a value here. */
const valueOr = <T>(value: T | undefined, fallback: T): T => (value === undefined ? fallback : value)
