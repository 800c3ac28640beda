import { randomUUID } from 'node:crypto'
import { ProblemError } from '#platform/problem.ts'
import type { Passwords } from './passwords.ts'
import { hashSecret, newSecret } from './secrets.ts'
import { endAllSessions } from './sessions.ts'
import { emit, tryLockUser, type Transact } from './store.ts'

const INVITATION_HOURS = 24

/**
 * Makes an account whose password nobody knows, with these roles, and a one-time token for setting one. The address must
 * be new: an existing account is given roles instead.
 */
export const createInviteUser =
  ({ transact, passwords }: { transact: Transact; passwords: Passwords }) =>
  async ({
    email,
    roles,
  }: {
    email: string
    roles: string[]
  }): Promise<{ userId: string; token: string }> => {
    const passwordHash = await passwords.unusable()
    const token = newSecret()
    const userId = randomUUID()
    await transact(async (tx) => {
      await tx.user.create({ data: { id: userId, email, name: email, passwordHash, roles } })
      await tx.$executeRaw`
        INSERT INTO invitations (token_hash, user_id, expires_at)
        VALUES (${hashSecret(token)}, ${userId}::uuid, now() + make_interval(hours => ${INVITATION_HOURS}))`
      await emit(tx, userId, 'user.registered', { userId })
    })
    return { userId, token }
  }

/**
 * Sets the first password of an invited account; the token works once, within 24 hours.
 *
 * @throws ProblemError `invalid_invitation`
 */
export const createAcceptInvitation =
  ({ transact, passwords }: { transact: Transact; passwords: Passwords }) =>
  async ({ token, password }: { token: string; password: string }): Promise<void> => {
    const passwordHash = await passwords.hash(password)
    await transact(async (tx) => {
      const [used] = await tx.$queryRaw<{ userId: string }[]>`
        UPDATE invitations SET used_at = now()
        WHERE token_hash = ${hashSecret(token)} AND used_at IS NULL AND expires_at > now()
        RETURNING user_id AS "userId"`
      const user = used === undefined ? undefined : await tryLockUser(tx, used.userId)
      if (user === undefined || user.disabledAt !== null) {
        throw new ProblemError('invalid_invitation', 'The invitation was used before or has expired.')
      }
      await tx.user.update({ where: { id: user.id }, data: { passwordHash } })
      await endAllSessions(tx, user.id, 'password_changed')
    })
  }
