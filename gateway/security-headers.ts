import type { HttpServer } from '#platform/http/server.ts'

/** Answers of the API are data: nothing in them may run or be framed. */
const API_POLICY = "default-src 'none'; frame-ancestors 'none'"

const DOCS_PREFIX = '/docs'

/** The documentation page runs its own scripts and reads its own document, and nothing else. */
const docsPolicy = (scripts: readonly string[]): string =>
  [
    "default-src 'none'",
    `script-src 'self' ${scripts.join(' ')}`.trim(),
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

/** @param hstsMaxAgeSeconds sends Strict-Transport-Security when set */
export function addSecurityHeaders(app: HttpServer, hstsMaxAgeSeconds: number | undefined): void {
  app.addHook('onSend', (request, reply, _payload, done) => {
    const docs = request.routeOptions.url?.startsWith(DOCS_PREFIX) === true
    void reply.headers({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-security-policy': docs ? docsPolicy(app.swaggerCSP.script) : API_POLICY,
      ...(hstsMaxAgeSeconds === undefined
        ? {}
        : { 'strict-transport-security': `max-age=${hstsMaxAgeSeconds}` }),
    })
    if (!docs && !reply.hasHeader('cache-control')) void reply.header('cache-control', 'no-store')
    done()
  })
}
