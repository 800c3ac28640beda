/** API keys are exchanged at the users service for their owner's rights, which are remembered for half a minute at the most. */
import { createHash } from 'node:crypto'
import { ApiKeyOwner, verifyApiKey } from '#contracts/http/users.ts'
import type { JsonClient } from '#platform/outbound/json-client.ts'
import { NoAnswerError, NotSentError } from '#platform/outbound/json-client.ts'
import { ProblemError } from '#platform/problem.ts'
import type { ServiceTokenSigner } from '#platform/service-token.ts'
import { parser } from '#platform/validation.ts'

const KEPT_MS = 30_000
const REFUSAL_KEPT_MS = 5_000
const MAX_ENTRIES = 10_000
const KEY = /^msk_[A-Za-z0-9_-]{16,190}$/

const parseOwner = parser('the owner of an API key', ApiKeyOwner)

export const isApiKey = (credential: string): boolean => credential.startsWith('msk_')

export interface ApiKeys {
  /** @throws ProblemError `unauthenticated`, or `unavailable` while the users service cannot be asked */
  ownerOf(secret: string): Promise<ApiKeyOwner>
  /** Forgets what is known of a user's keys: their rights may have changed. */
  forget(userId: string): void
}

interface Entry {
  owner: ApiKeyOwner | undefined
  until: number
}

export function createApiKeys({
  client,
  signer,
  now = Date.now,
}: {
  client: JsonClient
  signer: Pick<ServiceTokenSigner, 'sign'>
  now?: () => number
}): ApiKeys {
  const known = new Map<string, Entry>()
  const asking = new Map<string, Promise<ApiKeyOwner | undefined>>()
  /** Whose rights changed while answers were under way: those answers may be older than the change. */
  const changed = new Map<string, number>()
  let sequence = 0

  async function exchange(secret: string): Promise<ApiKeyOwner | undefined> {
    const token = await signer.sign('users', { kind: 'service', subject: 'gateway', roles: [], scopes: [] })
    const { status, body } = await client.call({
      method: 'POST',
      path: verifyApiKey.url,
      body: { secret },
      headers: { authorization: `Bearer ${token}` },
    })
    if (status === 200) return parseOwner(body)
    if (status === 401 || status === 404) return undefined
    throw new NoAnswerError(`the users service answered ${status} when asked for an API key`)
  }

  async function ask(hash: string, secret: string): Promise<ApiKeyOwner | undefined> {
    const started = sequence
    const owner = await exchange(secret)
    const stale = owner !== undefined && (changed.get(owner.userId) ?? 0) > started
    if (!stale) remember(hash, owner)
    return owner
  }

  function asked(hash: string): void {
    asking.delete(hash)
    if (asking.size === 0) changed.clear()
  }

  function remember(hash: string, owner: ApiKeyOwner | undefined): void {
    const until =
      owner === undefined ? now() + REFUSAL_KEPT_MS : Math.min(now() + KEPT_MS, Date.parse(owner.expiresAt))
    known.delete(hash)
    known.set(hash, { owner, until })
    for (const oldest of known.keys()) {
      if (known.size <= MAX_ENTRIES) break
      known.delete(oldest)
    }
  }

  async function lookUp(secret: string): Promise<ApiKeyOwner | undefined> {
    const hash = createHash('sha256').update(secret).digest('base64')
    const entry = known.get(hash)
    if (entry !== undefined && entry.until > now()) return entry.owner
    const pending = asking.get(hash) ?? ask(hash, secret).finally(() => asked(hash))
    asking.set(hash, pending)
    return pending
  }

  return {
    async ownerOf(secret) {
      const owner = KEY.test(secret) ? await lookUp(secret).catch(refuseWhileAway) : undefined
      if (owner === undefined) throw new ProblemError('unauthenticated', 'The API key is not valid.')
      return owner
    },
    forget(userId) {
      if (asking.size > 0) changed.set(userId, ++sequence)
      for (const [hash, { owner }] of known) {
        if (owner?.userId === userId) known.delete(hash)
      }
    },
  }
}

function refuseWhileAway(cause: unknown): never {
  if (cause instanceof NotSentError || cause instanceof NoAnswerError) {
    throw new ProblemError('unavailable', 'API keys cannot be checked at the moment.', {
      cause,
      retryAfter: 2,
    })
  }
  throw cause
}
