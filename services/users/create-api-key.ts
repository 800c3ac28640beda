import { randomUUID } from 'node:crypto'
import type { ApiKey } from '#contracts/http/users.ts'
import type { Scope } from '#contracts/http/route.ts'
import type { Role } from '#contracts/schemas.ts'
import { ProblemError } from '#platform/problem.ts'
import { hashSecret, newSecret } from './secrets.ts'
import { toApiKey } from './api-key.ts'
import { lockUser, parseRoles, type Transact, type Tx } from './store.ts'

const DEFAULT_DAYS = 90
/** Of each account, those that still work. */
export const LIVING_KEYS_LIMIT = 20
const DAY_MS = 86_400_000

/** Scopes that only some roles can use; the others are everybody's. */
const ROLES_OF_SCOPE: Partial<Record<Scope, readonly Role[]>> = {
  'products:write': ['operator', 'admin'],
  'stock:write': ['operator', 'admin'],
}

export interface CreateApiKeyInput {
  userId: string
  name: string
  scopes: Scope[]
  expiresInDays?: number
}

/**
 * Creates an API key; its secret is in this answer and nowhere else.
 *
 * @throws ProblemError `forbidden` when the owner's roles cannot use a scope, `too_many_api_keys`
 */
export const createCreateApiKey =
  ({ transact }: { transact: Transact }) =>
  async ({
    userId,
    name,
    scopes,
    expiresInDays = DEFAULT_DAYS,
  }: CreateApiKeyInput): Promise<ApiKey & { secret: string }> => {
    const secret = newSecret('msk_')
    return transact(async (tx) => {
      const user = await lockUser(tx, userId)
      assertUsable(scopes, parseRoles(user.roles))
      const createdAt = new Date()
      await assertRoom(tx, userId, createdAt)
      const row = await tx.apiKey.create({
        data: {
          id: randomUUID(),
          userId,
          name,
          secretHash: hashSecret(secret),
          scopes,
          createdAt,
          expiresAt: new Date(createdAt.getTime() + expiresInDays * DAY_MS),
        },
      })
      return { ...toApiKey(row), secret }
    })
  }

/** The owner's row is locked: whoever else makes a key waits. */
async function assertRoom(tx: Tx, userId: string, now: Date): Promise<void> {
  const living = await tx.apiKey.count({ where: { userId, revokedAt: null, expiresAt: { gt: now } } })
  if (living >= LIVING_KEYS_LIMIT) {
    throw new ProblemError(
      'too_many_api_keys',
      `An account has at most ${LIVING_KEYS_LIMIT} API keys. Revoke one first.`,
    )
  }
}

function assertUsable(scopes: readonly Scope[], roles: readonly Role[]): void {
  for (const scope of scopes) {
    const needed = ROLES_OF_SCOPE[scope]
    if (needed !== undefined && !needed.some((role) => roles.includes(role))) {
      throw new ProblemError('forbidden', `The scope ${scope} needs the role ${needed.join(' or ')}.`)
    }
  }
}
