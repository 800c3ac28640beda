import { assertNotLastAdmin, lockAdmins } from './admins.ts'
import { endAllSessions } from './sessions.ts'
import { emit, lockUser, type Transact } from './store.ts'

/**
 * Locks an account out: no login, no refresh, no API key of it works. What it ordered stays.
 *
 * @throws ProblemError `not_found` or `last_admin`
 */
export const createDisableUser =
  ({ transact }: { transact: Transact }) =>
  (userId: string): Promise<void> =>
    transact(async (tx) => {
      const admins = await lockAdmins(tx)
      const user = await lockUser(tx, userId)
      if (user.disabledAt !== null) return
      assertNotLastAdmin(admins, userId)
      await tx.user.update({ where: { id: userId }, data: { disabledAt: new Date() } })
      await emit(tx, userId, 'user.disabled', { userId })
      await endAllSessions(tx, userId, 'disabled')
    })
