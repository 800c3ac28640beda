/** What this service's tests stand on: a fresh database with the use cases on it, and people in it. */
import { randomBytes, randomUUID } from 'node:crypto'
import { createUnitOfWork } from '#platform/events/outbox.ts'
import type { Role } from '#contracts/schemas.ts'
import { createIssueTokens } from './access-token.ts'
import { createKeyEncryption } from './key-encryption.ts'
import { createPasswords } from './passwords.ts'
import { createKeyRing } from './signing-keys.ts'
import { emit, openStore } from './store.ts'
import { createUseCases } from './use-cases.ts'

export const PASSWORD = 'correct horse battery'
export const ISSUER = 'test-users'

/** @param url of a migrated database */
export async function openUsers(url: string) {
  const store = openStore({ DATABASE_URL: url, DATABASE_POOL: 20 })
  const transact = createUnitOfWork(store, () => {})
  const encryption = createKeyEncryption(randomBytes(32).toString('base64'))
  const keyRing = createKeyRing(store, encryption)
  const passwords = createPasswords()
  const useCases = createUseCases({
    store,
    transact,
    passwords,
    issueTokens: createIssueTokens({ keyRing, issuer: ISSUER }),
    spendingLimit: 10_000,
  })
  const passwordHash = await passwords.hash(PASSWORD)
  return {
    store,
    transact,
    encryption,
    keyRing,
    passwords,
    useCases,
    /** An account with PASSWORD and these roles, without the cost of hashing each time. */
    async person(...roles: Role[]): Promise<{ id: string; email: string }> {
      const id = randomUUID()
      const email = `${id}@example.test`
      await transact(async (tx) => {
        await tx.user.create({ data: { id, email, name: 'Some Body', passwordHash, roles } })
        await emit(tx, id, 'user.registered', { userId: id })
      })
      return { id, email }
    },
    /** The account's events, oldest first, as `[version, type, payload]`. */
    async events(userId: string): Promise<[number, string, unknown][]> {
      const rows = await store.outbox.findMany({ where: { aggregateId: userId }, orderBy: { id: 'asc' } })
      return rows.map(({ version, type, payload }) => [version, type, payload])
    },
    login: (email: string, password = PASSWORD, address = '192.0.2.1') =>
      useCases.logIn({ email, password, address }),
  }
}

/** The codes and values of settled promises, counted: `{ ok: 1, last_admin: 1 }`. */
export function countOutcomes(results: readonly PromiseSettledResult<unknown>[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const result of results) {
    const outcome = result.status === 'fulfilled' ? 'ok' : codeOf(result.reason)
    counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  return counts
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error)
