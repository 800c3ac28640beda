/** Registers a route contract: the schemas, who may call, the idempotency key; the handler gets typed input and answers typed. */
import type { FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import type { Static, TSchema } from 'typebox'
import type { RouteContract, RouteSchema } from '#contracts/http/route.ts'
import { ProblemError } from '../problem.ts'
import type { Caller, CallerVerifier } from '../service-token.ts'
import { assertAccess } from './access.ts'
import { readIdempotencyKey } from './idempotency-key.ts'
import { readIfMatch, versionOf } from './if-match.ts'
import { assertPlainInput } from './plain-input.ts'
import type { HttpServer } from './server.ts'

type Part<S extends RouteSchema, K extends 'params' | 'querystring' | 'body'> = S[K] extends TSchema
  ? Static<S[K]>
  : undefined

/** What a handler is given. */
export interface Call<S extends RouteSchema> {
  params: Part<S, 'params'>
  query: Part<S, 'querystring'>
  body: Part<S, 'body'>
  caller: Caller
  /** Set where the contract takes one and the client sent it; always set where it is required. */
  idempotencyKey: string | undefined
  /** The version that the client believes it changes, from If-Match, where the contract has one. */
  ifMatch: number | undefined
  /** The version that it has, as the gateway has read it at another service that owns it. */
  currentVersion: number | undefined
  /** The path that was called, for fingerprints. */
  path: string
  /** The request as Fastify has it, for raw bodies and headers. */
  request: FastifyRequest
}

/** A call of whatever route, for code that serves several. */
export type AnyCall = Omit<Call<RouteSchema>, 'params' | 'query' | 'body'> & { body: unknown }

/** What a handler answers: one of the statuses of its contract with that status's body. */
export type Answer<S extends RouteSchema> = {
  [Status in keyof S['response'] & number]: {
    status: Status
    body: S['response'][Status] extends TSchema ? Static<S['response'][Status]> : never
    headers?: Record<string, string>
  }
}[keyof S['response'] & number]

/**
 * @example addRoute(app, verifyCaller, readOrder, async ({ params, caller }) => ({ status: 200, body: await find(params.id, caller) }))
 */
// `Status` only makes the compiler keep `status: 200` as the literal it is
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export function addRoute<S extends RouteSchema, Status extends keyof S['response'] & number>(
  app: HttpServer,
  verifyCaller: CallerVerifier,
  contract: RouteContract<S>,
  handler: (call: Call<S>) => Promise<{ status: Status } & NoInfer<Answer<S>>>,
): void {
  const schema: FastifySchema = { ...contract.schema }
  app.route({
    method: contract.method,
    url: contract.url,
    // the answer to a HEAD is never read, so a stream behind it would never end
    exposeHeadRoute: contract.stream !== true,
    schema,
    // before validation: a stranger learns nothing about what a body should look like
    onRequest: async (request) => {
      const caller = await verifyCaller(request.headers.authorization)
      assertAccess(contract, caller)
      callers.set(request, caller)
    },
    // no body is an empty one: what it lacks is then named field by field
    preValidation: async (request) => {
      if (contract.schema.body !== undefined) {
        request.body ??= {}
        assertPlainInput('body', request.body)
      }
      assertPlainInput('querystring', request.query)
    },
    handler: async (request, reply) => send(reply, await handler(toCall(contract, request))),
  })
}

const callers = new WeakMap<FastifyRequest, Caller>()

function toCall<S extends RouteSchema>(contract: RouteContract<S>, request: FastifyRequest): Call<S> {
  const caller = callers.get(request)
  if (caller === undefined) throw new ProblemError('unauthenticated', 'The caller is not known.')
  return {
    // validated by the schemas of this very contract before the handler runs, which the compiler cannot follow
    /* oxlint-disable typescript/no-unsafe-type-assertion */
    params: request.params as Part<S, 'params'>,
    query: request.query as Part<S, 'querystring'>,
    body: request.body as Part<S, 'body'>,
    /* oxlint-enable typescript/no-unsafe-type-assertion */
    caller,
    idempotencyKey: readIdempotencyKey(contract, request.headers['idempotency-key']),
    ifMatch: readIfMatch(contract, request.headers['if-match']),
    currentVersion: versionOf(request.headers['x-current-etag']),
    path: request.url.split('?', 1)[0] ?? '',
    request,
  }
}

async function send<S extends RouteSchema>(reply: FastifyReply, answer: Answer<S>): Promise<FastifyReply> {
  if (answer.headers !== undefined) void reply.headers(answer.headers)
  void reply.code(answer.status)
  return answer.body === null ? reply.send() : reply.send(answer.body)
}
