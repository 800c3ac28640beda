/** The users service's database: opening it, and the rows that use cases share. */
import { PrismaPg } from '@prisma/adapter-pg'
import { PrismaClient, type Prisma } from '#prisma/users/client/client.ts'
import type { EventPayload, EventType } from '#contracts/events.ts'
import type { User } from '#contracts/http/users.ts'
import { Role } from '#contracts/schemas.ts'
import { appendEvent, type UnitOfWork } from '#platform/events/outbox.ts'
import { notFound } from '#platform/problem.ts'
import { parser } from '#platform/validation.ts'
import Type from 'typebox'

export type Store = PrismaClient
export type Tx = Prisma.TransactionClient
export type Transact = UnitOfWork<Tx>

export const openStore = ({
  DATABASE_URL,
  DATABASE_POOL,
}: {
  DATABASE_URL: string
  DATABASE_POOL: number
}): Store =>
  new PrismaClient({ adapter: new PrismaPg({ connectionString: DATABASE_URL, max: DATABASE_POOL }) })

/** An account that has not been erased: it has all of its personal data. */
export interface UserRow {
  id: string
  email: string
  name: string
  phone: string | null
  roles: string[]
  passwordHash: string
  spendingLimit: bigint | null
  disabledAt: Date | null
  createdAt: Date
}

/**
 * Takes the account's row until the transaction ends: everything that changes an account, or depends on it being as it
 * is, waits here. Where admins are locked too (admins.ts), they come first.
 *
 * @throws ProblemError `not_found`, also for an erased account
 */
export async function lockUser(tx: Tx, userId: string): Promise<UserRow> {
  const row = await tryLockUser(tx, userId)
  if (row === undefined) throw notFound('account')
  return row
}

export async function tryLockUser(tx: Tx, userId: string): Promise<UserRow | undefined> {
  const [row] = await tx.$queryRaw<UserRow[]>`
    SELECT id, email, name, phone, roles, password_hash AS "passwordHash", spending_limit AS "spendingLimit",
           disabled_at AS "disabledAt", created_at AS "createdAt"
    FROM users WHERE id = ${userId}::uuid AND erased_at IS NULL FOR NO KEY UPDATE`
  return row
}

/** Finds an account by its address, in any case of letters. */
export async function findByEmail(
  tx: Pick<Tx, '$queryRaw'>,
  email: string,
): Promise<{ id: string; passwordHash: string } | undefined> {
  const [row] = await tx.$queryRaw<{ id: string; passwordHash: string }[]>`
    SELECT id, password_hash AS "passwordHash" FROM users WHERE lower(email) = lower(${email})`
  return row
}

type UserEvent = Extract<EventType, `user.${string}`>

/** Adds the account's next event; the caller holds or has just made the account's row. */
export async function emit<T extends UserEvent>(
  tx: Tx,
  userId: string,
  type: T,
  payload: EventPayload<T>,
): Promise<void> {
  const [row] = await tx.$queryRaw<{ version: number }[]>`
    UPDATE users SET event_version = event_version + 1 WHERE id = ${userId}::uuid RETURNING event_version AS version`
  if (row === undefined) throw new Error(`there is no account ${userId} to tell of`)
  await appendEvent(tx, { type, aggregateId: userId, version: row.version, payload })
}

export const parseRoles = parser('the stored roles', Type.Array(Role))

/** The account as its owner and operators see it. */
export const toUser = (
  row: Pick<UserRow, 'id' | 'email' | 'name' | 'phone' | 'roles' | 'disabledAt' | 'createdAt'>,
): User => ({
  id: row.id,
  email: row.email,
  name: row.name,
  phone: row.phone,
  roles: parseRoles(row.roles),
  disabled: row.disabledAt !== null,
  createdAt: row.createdAt.toISOString(),
})
