import { createHash, timingSafeEqual } from 'node:crypto'
import type { HttpServer } from '#platform/http/server.ts'
import { ProblemError } from '#platform/problem.ts'

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Every route of this scope needs `Authorization: Bearer <key>`. */
export function requireBearer(scope: HttpServer, key: string): void {
  const expected = digest(`Bearer ${key}`)
  scope.addHook('onRequest', (request, _reply, done) => {
    const known = timingSafeEqual(digest(request.headers.authorization ?? ''), expected)
    done(known ? undefined : new ProblemError('unauthenticated', 'The API key is not one of ours.'))
  })
}
