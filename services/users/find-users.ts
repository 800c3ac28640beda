import type { Contact, User } from '#contracts/http/users.ts'
import { decodeCursor, NewestFirst, toPage } from '#platform/keyset.ts'
import { notFound } from '#platform/problem.ts'
import { toUser, type Store, type UserRow } from './store.ts'

/**
 * An account that has not been erased.
 *
 * @throws ProblemError `not_found`
 */
export async function findAccount(store: Store, userId: string): Promise<UserRow> {
  const row = await store.user.findFirst({ where: { id: userId, erasedAt: null } })
  if (row === null) throw notFound('account')
  return complete(row)
}

export const createReadUser =
  (store: Store) =>
  async (userId: string): Promise<User> =>
    toUser(await findAccount(store, userId))

/** How to reach a customer; asked for by the service that writes to them. */
export const createReadContact =
  (store: Store) =>
  async (userId: string): Promise<Contact> => {
    const { id, email, name, phone } = await findAccount(store, userId)
    return { userId: id, email, name, phone }
  }

/** All accounts, the newest first. */
export const createListUsers =
  (store: Store) =>
  async ({ limit = 20, cursor }: { limit?: number; cursor?: string }) => {
    const after = decodeCursor(NewestFirst, cursor)
    const rows = await store.user.findMany({
      where: { erasedAt: null, ...(after === undefined ? {} : { OR: beyond(after) }) },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
      take: limit + 1,
    })
    const page = toPage(rows, limit, (row) => [row.createdAt.toISOString(), row.id])
    return { ...page, data: page.data.map((row) => toUser(complete(row))) }
  }

/** Rows that come after a sort key in a list of the newest first. */
export const beyond = ([createdAt, id]: [string, string]) => [
  { createdAt: { lt: new Date(createdAt) } },
  { createdAt: new Date(createdAt), id: { lt: id } },
]

interface MaybeErased extends Omit<UserRow, 'email' | 'name' | 'passwordHash'> {
  email: string | null
  name: string | null
  passwordHash: string | null
}

/** The database's check constraint says the same: only an erased account lacks these. */
function complete(row: MaybeErased): UserRow {
  const { email, name, passwordHash } = row
  if (email === null || name === null || passwordHash === null) throw notFound('account')
  return { ...row, email, name, passwordHash }
}
