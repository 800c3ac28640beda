import { hashSecret } from './secrets.ts'
import { endSession } from './sessions.ts'
import { tryLockUser, type Transact } from './store.ts'

/** Ends the session of a refresh token, with its access tokens. An unknown token, or one of an ended session, changes nothing and is no error. */
export const createLogOut =
  ({ transact }: { transact: Transact }) =>
  (refreshToken: string): Promise<void> =>
    transact(async (tx) => {
      const token = await tx.refreshToken.findUnique({
        where: { tokenHash: hashSecret(refreshToken) },
        select: { session: { select: { id: true, userId: true } } },
      })
      if (token === null || (await tryLockUser(tx, token.session.userId)) === undefined) return
      const session = await tx.session.findUnique({ where: { id: token.session.id } })
      if (session === null || session.revokedAt !== null) return
      await endSession(tx, { sessionId: session.id, userId: session.userId }, 'logout')
    })
