import type { User } from '#contracts/http/users.ts'
import type { Role } from '#contracts/schemas.ts'
import type { Finish } from '#platform/idempotency.ts'
import { assertNotLastAdmin, lockAdmins } from './admins.ts'
import { voidAccessTokens } from './sessions.ts'
import { emit, lockUser, parseRoles, toUser, type Transact } from './store.ts'

export interface SetRolesInput {
  userId: string
  /** The roles it will have, given those it has. */
  roles: (current: Role[]) => Role[]
  /** Keeps the answer for a repeat of the call, in the transaction of the change. */
  finish?: Finish
}

/**
 * Sets the roles of an account. Its access tokens become void, since they carry the old roles; its sessions go on. The
 * same roles again change nothing.
 *
 * @throws ProblemError `not_found` or `last_admin`
 */
export const createSetRoles =
  ({ transact }: { transact: Transact }) =>
  ({ userId, roles: choose, finish }: SetRolesInput): Promise<User> =>
    transact(async (tx) => {
      const admins = await lockAdmins(tx)
      const user = await lockUser(tx, userId)
      const current = parseRoles(user.roles)
      const roles = [...new Set(choose(current))].toSorted()
      if (!roles.includes('admin')) assertNotLastAdmin(admins, userId)
      if (roles.join() !== current.toSorted().join()) {
        await tx.user.update({ where: { id: userId }, data: { roles } })
        await emit(tx, userId, 'user.roles_changed', { userId, roles })
        await voidAccessTokens(tx, userId, 'roles_changed')
      }
      const body = toUser({ ...user, roles })
      await finish?.(tx, { status: 200, body })
      return body
    })
