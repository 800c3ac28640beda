import type { FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { MAX_AMOUNT } from '#contracts/money.ts'
import { Closed, Currency } from '#contracts/schemas.ts'
import type { HttpServer } from '#platform/http/server.ts'
import { notFound } from '#platform/problem.ts'
import { sendKeyed, type Idempotency, type KeyedWork, type RunningRequest } from '../shared/idempotency.ts'
import type { StoredAnswer } from '../shared/ledger-entries.ts'
import { actionPage, PAGE_HEADERS } from './action-page.ts'
import type { Book } from './book.ts'
import { findPaymentMethod } from './payment-methods.ts'
import type { Provider } from './provider.ts'

const text = (maxLength: number) => Type.String({ minLength: 1, maxLength })
const PositiveAmount = Type.Integer({ minimum: 1, maximum: MAX_AMOUNT, description: 'minor units' })

const ById = Closed({ id: text(100) })
type ById = Static<typeof ById>

const ByToken = Closed({ token: text(100) })
type ByToken = Static<typeof ByToken>

const ByReference = Closed({ reference: text(255) })
type ByReference = Static<typeof ByReference>

const AuthorizeBody = Closed({
  amount: PositiveAmount,
  currency: Currency,
  paymentMethod: text(100),
  reference: text(255),
  customer: Type.Optional(text(255)),
})
type AuthorizeBody = Static<typeof AuthorizeBody>

const CaptureBody = Closed({ amount: PositiveAmount, final: Type.Optional(Type.Boolean()) })
type CaptureBody = Static<typeof CaptureBody>

const RefundBody = Closed({ amount: PositiveAmount, reason: Type.Optional(text(255)) })
type RefundBody = Static<typeof RefundBody>

const DisputeBody = Closed({
  amount: Type.Optional(PositiveAmount),
  outcome: Type.Optional(Type.Enum(['opened', 'won', 'lost'])),
})
type DisputeBody = Static<typeof DisputeBody>

const NoBody = Type.Union([Type.Null(), Closed({})])

export interface Capabilities {
  multicapture: boolean
  keyLifetimeHours: number
  lookupByReference: boolean
}

/** The API proper, for holders of the key. */
export function apiRoutes(
  scope: HttpServer,
  {
    book,
    provider,
    idempotency,
    capabilities,
  }: {
    book: Book
    provider: Provider
    idempotency: Idempotency
    capabilities: Capabilities
  },
): void {
  const answer = async (
    request: FastifyRequest,
    reply: FastifyReply,
    work: KeyedWork,
  ): Promise<FastifyReply> => sendKeyed(reply, await idempotency.answer(request, work))

  /** Work on an authorization, whose refusals are answers. */
  const onAuthorization = (id: string, execute: (request: RunningRequest) => StoredAnswer): KeyedWork => ({
    execute: async (request) => execute(request),
    recordRefusal: (request, refusal) => provider.recordRefusal(id, request, refusal),
  })

  scope.post<{ Body: AuthorizeBody }>(
    '/v1/authorizations',
    { schema: { body: AuthorizeBody } },
    (request, reply) =>
      answer(request, reply, { execute: (running) => provider.authorize(request.body, running) }),
  )
  scope.get<{ Querystring: ByReference }>(
    '/v1/authorizations',
    { schema: { querystring: ByReference } },
    ({ query }) => ({ data: book.list(query.reference) }),
  )
  scope.get<{ Params: ById }>('/v1/authorizations/:id', { schema: { params: ById } }, ({ params }) =>
    book.show(params.id),
  )
  scope.post<{ Params: ById; Body: CaptureBody }>(
    '/v1/authorizations/:id/captures',
    { schema: { params: ById, body: CaptureBody } },
    (request, reply) => {
      const { id } = request.params
      const work = onAuthorization(id, (running) => provider.capture(id, request.body, running))
      return answer(request, reply, work)
    },
  )
  scope.post<{ Params: ById }>(
    '/v1/authorizations/:id/void',
    { schema: { params: ById, body: NoBody } },
    (request, reply) => {
      const { id } = request.params
      const work = onAuthorization(id, (running) => provider.void(id, running))
      return answer(request, reply, work)
    },
  )
  scope.post<{ Params: ById; Body: RefundBody }>(
    '/v1/authorizations/:id/refunds',
    { schema: { params: ById, body: RefundBody } },
    (request, reply) => {
      const { id } = request.params
      const work = onAuthorization(id, (running) => provider.refund(id, request.body, running))
      return answer(request, reply, work)
    },
  )
  // for tests: no provider lets its merchants dispute their own charges
  scope.post<{ Params: ById; Body: DisputeBody }>(
    '/v1/authorizations/:id/dispute',
    { schema: { params: ById, body: DisputeBody } },
    ({ params, body }) => {
      provider.dispute(params.id, body)
      return book.show(params.id)
    },
  )
  scope.get<{ Params: ById }>('/v1/payment-methods/:id', { schema: { params: ById } }, ({ params }) => {
    const method = findPaymentMethod(params.id)
    if (method === undefined) throw notFound('payment method')
    return { id: params.id, brand: method.brand, last4: method.last4 }
  })
  scope.get('/v1/capabilities', () => capabilities)
}

/** The page a person is sent to: knowing its token is the permission. */
export function actionRoutes(
  scope: HttpServer,
  { book, provider }: { book: Book; provider: Provider },
): void {
  // a browser's form; the path says everything
  scope.addContentTypeParser('application/x-www-form-urlencoded', (_request, payload, done) => {
    payload.resume().on('end', () => done(null, null))
  })
  const schema = { params: ByToken }

  scope.get<{ Params: ByToken }>('/authentications/:token', { schema }, ({ params }, reply) =>
    reply.headers(PAGE_HEADERS).send(actionPage(book.findByActionToken(params.token))),
  )
  for (const answer of ['approve', 'decline'] as const) {
    scope.post<{ Params: ByToken }>(`/authentications/:token/${answer}`, { schema }, ({ params }, reply) => {
      provider.authenticate(params.token, answer === 'approve')
      return reply.redirect(`/authentications/${params.token}`, 303)
    })
  }
}
