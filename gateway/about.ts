/**
 * Calls about an object of another service. Its owner is asked for the version when the client names one, so that a change
 * to what is stale is refused; the service that is called compares, since only it knows whether the call is a repeat.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Caller } from '#platform/service-token.ts'
import { versionOf } from '#platform/http/if-match.ts'
import { ProblemError } from '#platform/problem.ts'
import type { Forwarding } from './forward.ts'
import type { ReadEtag } from './read-etag.ts'
import type { About } from './routes.ts'

export async function askAbout(
  call: { request: FastifyRequest; reply: FastifyReply; caller: Caller },
  { read, unknownHere }: About,
  { readEtag }: { readEtag: ReadEtag },
): Promise<Forwarding> {
  // `*` is any version, and a tag that was never given out is stale whatever the version is
  const named = versionOf(call.request.headers['if-match']) !== undefined
  return {
    currentEtag: named ? await readEtag(call, read) : undefined,
    async on404() {
      await readEtag(call, read)
      if ('answer' in unknownHere) return unknownHere.answer
      throw new ProblemError(unknownHere.code, unknownHere.detail)
    },
  }
}
