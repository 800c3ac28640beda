/** What HTTP itself asks of a request's headers. Node refuses some of it too, but without a body and a request id. */
import type { IncomingMessage } from 'node:http'
import type { FastifyInstance } from 'fastify'
import { ProblemError } from '../problem.ts'

/** Needs a server whose `requireHostHeader` is false. */
export function keepHttpRules(app: FastifyInstance): void {
  // an expectation that Node does not know: it comes in as any request does and is refused here
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response))
  app.addHook('onRequest', (request, _reply, done) => done(brokenRule(request.raw)))
}

/** Of two, one server believes the first and the next one the second. */
const ONLY_ONCE = ['host', 'authorization']

function brokenRule({ headers, rawHeaders, httpVersion }: IncomingMessage): ProblemError | undefined {
  if (headers.host === undefined && httpVersion === '1.1')
    return new ProblemError('malformed_request', 'The request has no Host header.')
  const names = rawHeaders.filter((_each, index) => index % 2 === 0).map((name) => name.toLowerCase())
  const twice = ONLY_ONCE.find((name) => names.indexOf(name) !== names.lastIndexOf(name))
  if (twice !== undefined)
    return new ProblemError('malformed_request', `The request has more than one header ${twice}.`)
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue')
    return new ProblemError('expectation_failed', 'The only expectation that is met is 100-continue.')
  return undefined
}
