/** Idempotency keys as payment providers keep them: the first answer is repeated for as long as a key lives. */
import { createHmac } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { stringify } from 'safe-stable-stringify'
import { readIdempotencyKey } from '#platform/http/idempotency-key.ts'
import type { KeyedRequest, StoredAnswer } from './ledger-entries.ts'
import { Refusal, refusalAnswer, sendAnswer, sharedRefusal } from './refusal.ts'

/** A request that is being executed; an effect is recorded together with the key and the answer. */
export interface RunningRequest {
  /** Writes the effect, the key and the answer as one entry; from then on a repeat gets this answer. */
  settle(answer: StoredAnswer, write: (request: KeyedRequest) => void): StoredAnswer
  /** What a refusal of this request is answered with. */
  refusalAnswer(refusal: Refusal): StoredAnswer
}

export interface KeyedWork {
  execute: (request: RunningRequest) => Promise<StoredAnswer>
  /** Records a refusal that is an answer of its own, repeated for the same key; without this a refusal stores no key. */
  recordRefusal?: (request: KeyedRequest, refusal: Refusal) => void
}

export interface Idempotency {
  /** Takes a key from the ledger at start. */
  restore(request: KeyedRequest, at: string): void
  /** Answers a request by its Idempotency-Key: with the stored answer, or by doing the work. */
  answer(request: FastifyRequest, work: KeyedWork): Promise<KeyedAnswer>
}

export type KeyedAnswer = StoredAnswer & { replayed: boolean }

export function sendKeyed(reply: FastifyReply, { replayed, ...answer }: KeyedAnswer): FastifyReply {
  return sendAnswer(replayed ? reply.header('idempotent-replayed', 'true') : reply, answer)
}

/** `secret` keys the fingerprints, so that nobody can guess a body from the ledger. */
export function createIdempotency({
  lifetimeMs,
  secret,
}: {
  lifetimeMs: number
  secret: string
}): Idempotency {
  const stored = new Map<string, { request: KeyedRequest; expires: number }>()
  const running = new Map<string, string>()

  function find(key: string): KeyedRequest | undefined {
    const known = stored.get(key)
    if (known !== undefined && known.expires > Date.now()) return known.request
    stored.delete(key)
    return undefined
  }

  function assertSame(known: string, fingerprint: string): void {
    if (known === fingerprint) return
    throw sharedRefusal('idempotency_key_mismatch', 'Use a new key for a request with other parameters.')
  }

  const remember = (request: KeyedRequest, from: number) =>
    stored.set(request.key, { request, expires: from + lifetimeMs })

  return {
    restore: (request, at) => remember(request, Date.parse(at)),

    async answer(request, { execute, recordRefusal }) {
      const key = readIdempotencyKey({ idempotency: 'required' }, request.headers['idempotency-key']) ?? ''
      const fingerprint = fingerprintOf(secret, request)
      const known = find(key)
      if (known !== undefined) {
        assertSame(known.fingerprint, fingerprint)
        return { ...known.answer, replayed: true }
      }
      const rival = running.get(key)
      if (rival !== undefined) {
        assertSame(rival, fingerprint)
        throw sharedRefusal('idempotency_key_in_use', 'Ask again when the first request has been answered.')
      }
      const settle: RunningRequest['settle'] = (answer, write) => {
        const settled = { key, fingerprint, answer }
        write(settled)
        remember(settled, Date.now())
        return answer
      }
      running.set(key, fingerprint)
      try {
        const answer = await execute({ settle, refusalAnswer: (refusal) => refusalAnswer(refusal, request) })
        return { ...answer, replayed: false }
      } catch (error) {
        if (!(error instanceof Refusal) || recordRefusal === undefined) throw error
        const answer = refusalAnswer(error, request)
        if (keepsKey(error)) settle(answer, (settled) => recordRefusal(settled, error))
        return { ...answer, replayed: false }
      } finally {
        running.delete(key)
      }
    },
  }
}

/** Refusals by the rules of money are answers; what failed before it was executed (404, 422, 5xx) may be tried again. */
const keepsKey = ({ status }: Refusal): boolean => status === 402 || status === 409

function fingerprintOf(secret: string, { method, url, body }: FastifyRequest): string {
  return createHmac('sha256', secret)
    .update(stringify([method, url, body ?? null]) ?? '')
    .digest('hex')
}
