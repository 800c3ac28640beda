/** The users service as the notifications service sees it: it knows the people that the test names. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createCallerVerifier } from '#platform/service-token.ts'

export interface FakeUsers {
  url: string
  /** What it knows, by user id. */
  people: Map<string, { email: string; name: string; phone: string | null }>
  /** Who asked. */
  askers: string[]
  stop(): void
}

/** @param notificationsUrl where the keys of the service that asks are published */
export async function startFakeUsers(notificationsUrl: () => string): Promise<FakeUsers> {
  const people: FakeUsers['people'] = new Map()
  const askers: string[] = []

  async function answer(url: string, authorization: string | undefined) {
    const issuers = new Map([
      ['notifications', new URL('/.well-known/service-jwks.json', notificationsUrl())],
    ])
    const caller = await createCallerVerifier('users', issuers)(authorization)
    askers.push(caller.subject)
    const userId = url.split('/')[3] ?? ''
    const known = people.get(userId)
    return known === undefined ? { status: 404, body: {} } : { status: 200, body: { userId, ...known } }
  }

  async function reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body } = await answer(request.url ?? '', request.headers.authorization)
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }

  const server = createServer((request, response) => void reply(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the fake users service has no port')
  return { url: `http://127.0.0.1:${address.port}`, people, askers, stop: () => void server.close() }
}
