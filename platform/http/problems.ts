/** Whatever goes wrong with a request is answered as a problem, also what Fastify refuses before any route is found. */
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isOutage } from '../outage.ts'
import { ProblemError } from '../problem.ts'
import { fieldErrors, type ValidatorFindings } from '../validation.ts'

/** Answers errors and unknown paths with problems; call it before any route is registered. */
export function answerWithProblems(app: FastifyInstance): void {
  const methodsAt = rememberRoutes(app)
  app.setErrorHandler((error: FastifyError, request, reply) => answerError(error, request, reply))
  app.setNotFoundHandler((request, reply) => {
    const methods = methodsAt(pathOf(request))
    // a route that takes any path below it was asked and found nothing there
    if (methods.length === 0 || methods.includes(request.method)) {
      return sendProblem(new ProblemError('not_found', 'There is nothing at this path.'), request, reply)
    }
    void reply.header('allow', methods.join(', '))
    return sendProblem(new ProblemError('method_not_allowed', `Use ${methods.join(', ')}.`), request, reply)
  })
}

export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = toProblem(error)
  if (problem.status >= 500) {
    request.log.error({ err: error, requestId: request.id, route: request.routeOptions.url }, problem.message)
  }
  return sendProblem(problem, request, reply)
}

function sendProblem(problem: ProblemError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  void reply.header('x-request-id', request.id)
  if (problem.retryAfter !== undefined) void reply.header('retry-after', String(problem.retryAfter))
  if (problem.replayed) void reply.header('idempotency-replayed', 'true')
  if (problem.status === 401) void reply.header('www-authenticate', 'Bearer')
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(problem.toBody(pathOf(request), request.id))
}

const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0] ?? ''

/** Fastify finds routes by their pattern only, not by a path; a 405 needs to know what else a path would take. */
function rememberRoutes(app: FastifyInstance): (path: string) => string[] {
  const routes: { pattern: RegExp; methods: string[] }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    routes.push({ pattern: patternOf(url), methods: Array.isArray(method) ? method : [method] })
  })
  return (path) => [
    ...new Set(routes.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods)),
  ]
}

/** `/api/v1/orders/:id` as a regular expression; `*` takes the rest. */
const patternOf = (url: string): RegExp =>
  new RegExp(
    `^${url
      .replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
      .replaceAll(/:\w+/g, '[^/]+')
      .replaceAll('*', '.*')}$`,
  )

/** Whoever loses its database while it commits does not know whether it has. */
const AWAY = 'Something that this needs does not answer; the call may have had its effect.'

/** Fastify's own errors by code, what is around us and away as `unavailable`, everything unexpected as `internal` without its message. */
export function toProblem(error: FastifyError | ProblemError): ProblemError {
  if (error instanceof ProblemError) return error
  if (error.validation !== undefined) return validationProblem(error)
  const known = byCode(error)
  if (known !== undefined) return known
  if (isOutage(error)) return new ProblemError('unavailable', AWAY, { cause: error, retryAfter: 2 })
  if (error.statusCode === 503)
    return new ProblemError('unavailable', 'This process is stopping.', { cause: error, retryAfter: 1 })
  return new ProblemError('internal', 'Something went wrong; the request id finds it in the logs.', {
    cause: error,
  })
}

function validationProblem(error: FastifyError): ProblemError {
  const errors = fieldErrors(findingsOf(error))
  const where = error.validationContext ?? 'request'
  return new ProblemError('validation_failed', `The ${where} is not valid: ${describe(errors)}.`, { errors })
}

/** Fastify's type of a finding is that of any validator; ours is Ajv. */
const findingsOf = (error: FastifyError): ValidatorFindings => error.validation

function byCode(cause: FastifyError): ProblemError | undefined {
  switch (cause.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new ProblemError('body_too_large', 'The body is larger than this call takes.', { cause })
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new ProblemError('unsupported_media_type', 'Send the body as application/json.', { cause })
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new ProblemError('malformed_json', 'The body cannot be read as JSON.', { cause })
    case 'FST_ERR_BAD_URL':
      return new ProblemError('validation_failed', 'The path is not a valid URL.', { cause })
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new ProblemError('not_found', 'There is nothing at this path.', { cause })
    default:
      break
  }
  // a client that breaks off or sends half a body; errors of our own code have no statusCode
  return cause.statusCode === 400
    ? new ProblemError('malformed_json', 'The request cannot be read.', { cause })
    : undefined
}

const describe = (errors: { path: string; message: string }[]): string =>
  errors
    .slice(0, 3)
    .map(({ path, message }) => `${path} ${message}`.trim())
    .join('; ')
