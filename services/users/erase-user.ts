import type { Finish } from '#platform/idempotency.ts'
import { assertNotLastAdmin, lockAdmins } from './admins.ts'
import { endAllSessions } from './sessions.ts'
import { emit, lockUser, type Transact, type Tx } from './store.ts'

/**
 * Erases a person: address, name, phone, password, API keys, sessions and stored answers are gone, the row stays as the
 * anonymous owner of its orders. The address can be registered again; that is another account.
 *
 * @throws ProblemError `not_found` or `last_admin`
 */
export const createEraseUser =
  ({ transact }: { transact: Transact }) =>
  (userId: string, finish?: Finish): Promise<void> =>
    transact(async (tx) => {
      const admins = await lockAdmins(tx)
      await lockUser(tx, userId)
      assertNotLastAdmin(admins, userId)
      await tx.user.update({
        where: { id: userId },
        data: { email: null, name: null, phone: null, passwordHash: null, roles: [], erasedAt: new Date() },
      })
      await tx.apiKey.deleteMany({ where: { userId } })
      await tx.invitation.deleteMany({ where: { userId } })
      await forgetAnswers(tx, userId)
      await emit(tx, userId, 'user.erased', { userId })
      await endAllSessions(tx, userId, 'erased')
      await finish?.(tx, { status: 204, body: null })
    })

/** Answers that are kept for repeats show the account too, also those that an admin got. */
const forgetAnswers = (tx: Tx, userId: string): PromiseLike<number> =>
  tx.$executeRaw`
    DELETE FROM idempotency_keys
    WHERE (caller = ${userId} OR body->>'id' = ${userId}) AND status IS NOT NULL`
