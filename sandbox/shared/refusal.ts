/** Errors of the simulated outside world, as problems with codes of their own: they are not the platform's. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HttpServer } from '#platform/http/server.ts'
import type { StoredAnswer } from './ledger-entries.ts'

/** Codes of one outside process with their status and title. */
export type RefusalTable = Readonly<Record<string, { status: number; title: string }>>

/** What both outside processes answer. */
export const SHARED_REFUSALS = {
  idempotency_key_mismatch: { status: 400, title: 'This key came before with another request' },
  idempotency_key_in_use: { status: 409, title: 'The first request with this key is still running' },
  process_stopping: { status: 503, title: 'The process is stopping' },
  taken_down: { status: 503, title: 'Taken away by POST /faults' },
} as const satisfies RefusalTable

export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: string
  readonly status: number
  readonly title: string

  constructor(code: string, { status, title }: RefusalTable[string], detail: string) {
    super(detail)
    this.code = code
    this.status = status
    this.title = title
  }
}

/** @example const refuse = refusals(PROVIDER_REFUSALS); throw refuse('capture_failed', 'The bank refused.') */
export const refusals =
  <T extends RefusalTable>(table: T) =>
  (code: keyof T & string, detail: string): Refusal =>
    new Refusal(code, table[code] ?? { status: 500, title: code }, detail)

export const sharedRefusal = refusals(SHARED_REFUSALS)

/** The problem that a refusal is answered with. */
export const refusalAnswer = (
  { code, status, title, message }: Refusal,
  request: FastifyRequest,
): StoredAnswer => ({
  status,
  contentType: 'application/problem+json',
  body: {
    type: `https://mainstay.dev/sandbox/errors#${code}`,
    title,
    status,
    code,
    detail: message,
    instance: request.url.split('?', 1)[0] ?? '',
    requestId: request.id,
  },
})

export const sendAnswer = (reply: FastifyReply, { status, contentType, body }: StoredAnswer): FastifyReply =>
  reply.code(status).type(contentType).serializer(JSON.stringify).send(body)

/** Refusals are answered here; every other error goes on to the platform's own handler. */
export function answerRefusals(scope: HttpServer): void {
  scope.setErrorHandler((error, request, reply) => {
    if (!(error instanceof Refusal)) throw error
    return sendAnswer(reply, refusalAnswer(error, request))
  })
}
