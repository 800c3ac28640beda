/** There is always an admin once there was one. */
import { ProblemError } from '#platform/problem.ts'
import type { Tx } from './store.ts'

/**
 * Locks the accounts of all working admins, in order, and says who they are. Whoever may take one away calls this before
 * locking the account itself: two admins who demote each other meet here.
 */
export async function lockAdmins(tx: Tx): Promise<string[]> {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    SELECT id FROM users WHERE 'admin' = ANY (roles) AND disabled_at IS NULL AND erased_at IS NULL
    ORDER BY id FOR NO KEY UPDATE`
  return rows.map(({ id }) => id)
}

/** @throws ProblemError `last_admin` when nobody would be left */
export function assertNotLastAdmin(admins: readonly string[], userId: string): void {
  if (admins.length === 1 && admins[0] === userId) {
    throw new ProblemError('last_admin', 'Make another account an admin first.')
  }
}
