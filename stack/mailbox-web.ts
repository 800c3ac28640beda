import Fastify from 'fastify'
import Type, { type Static } from 'typebox'
import { isFromThisMachine } from '#platform/http/this-machine.ts'
import { listPage, MAIL_POLICY, mailDocument, mailPage, notFoundPage, PAGE_POLICY } from './mailbox-pages.ts'
import { summarize, type MailStore } from './mailbox-store.ts'
import type { TextStore } from './text-store.ts'

const Id = Type.Object({ id: Type.String({ maxLength: 64 }) })
const Filter = Type.Object({ to: Type.Optional(Type.String({ maxLength: 320 })) })
const View = Type.Object({ view: Type.Optional(Type.Union([Type.Literal('html'), Type.Literal('text')])) })

const Sms = Type.Object(
  {
    id: Type.String({ minLength: 1, maxLength: 64 }),
    from: Type.String({ minLength: 1, maxLength: 16 }),
    to: Type.String({ pattern: '^\\+[1-9][0-9]{6,14}$' }),
    text: Type.String({ minLength: 1, maxLength: 1_600 }),
  },
  { additionalProperties: false },
)
/** Takes no texts, as the number of that name at Twilio's. */
const REFUSED_NUMBER = '+15005550001'

type ById = { Params: Static<typeof Id> }
type ByRecipient = { Querystring: Static<typeof Filter> }
type InView = ById & { Querystring: Static<typeof View> }

/** The mailbox in a browser (`/`) and for tests (`/api/messages`, `/api/sms`); the SMS sandbox's door is `POST /sms`. */
export const createMailboxWeb = (store: MailStore, texts: TextStore) => {
  const web = Fastify({ forceCloseConnections: true, ajv: { customOptions: { removeAdditional: false } } })

  // Mails hold links that log people in.
  web.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
    if (isFromThisMachine(request)) return undefined
    return reply.code(403).send({ error: 'The mailbox answers on localhost only, and to no other site' })
  })

  web.get<ByRecipient>('/api/messages', { schema: { querystring: Filter } }, async ({ query }) => ({
    messages: store.list(query.to || undefined).map(summarize),
  }))

  web.get<ById>(
    '/api/messages/:id',
    { schema: { params: Id } },
    async ({ params }, reply) => store.find(params.id) ?? reply.code(404).send({ error: 'No such message' }),
  )

  web.delete('/api/messages', async (_request, reply) => {
    store.clear()
    texts.clear()
    return reply.code(204).send()
  })

  web.post<{ Body: Static<typeof Sms> }>('/sms', { schema: { body: Sms } }, async ({ body }, reply) => {
    if (body.to === REFUSED_NUMBER) return reply.code(422).send({ error: 'This number takes no texts' })
    return reply.code(texts.add(body) ? 201 : 200).send({ id: body.id })
  })

  web.get<ByRecipient>('/api/sms', { schema: { querystring: Filter } }, async ({ query }) => ({
    messages: texts.list(query.to || undefined),
  }))

  web.get<ByRecipient>('/', { schema: { querystring: Filter } }, async ({ query }, reply) => {
    const to = query.to || undefined
    return reply.headers(html(PAGE_POLICY)).send(listPage(store.list(to), texts.list(to), to))
  })

  web.get<InView>(
    '/messages/:id',
    { schema: { params: Id, querystring: View } },
    async ({ params, query }, reply) => {
      const mail = store.find(params.id)
      reply.headers(html(PAGE_POLICY))
      return mail ? mailPage(mail, query.view ?? 'html') : reply.code(404).send(notFoundPage())
    },
  )

  web.get<ById>('/messages/:id/html', { schema: { params: Id } }, async ({ params }, reply) => {
    const mail = store.find(params.id)
    reply.headers(html(MAIL_POLICY))
    return mail ? mailDocument(mail) : reply.code(404).send(notFoundPage())
  })

  return web
}

const html = (policy: string) => ({
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': policy,
})
