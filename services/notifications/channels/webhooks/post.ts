/** One attempt at one endpoint: nothing is followed, little is read, and only checked addresses are dialled. */
import { request as requestHttp, type IncomingMessage } from 'node:http'
import { request as requestHttps } from 'node:https'
import { version } from '#platform/version.ts'
import type { AttemptError } from '#contracts/http/notifications.ts'
import { isTimeout } from '#platform/outbound/breaker.ts'
import { DestinationRefusedError, type Destinations } from './destination.ts'
import type { SignedHeaders } from './signature.ts'

/** What is read of an answer; nobody looks at it, and none of it is kept. */
const ANSWER_LIMIT_BYTES = 64 * 1024
const ANSWER_LIMIT_MS = 1_000

export interface PostRequest {
  url: string
  headers: SignedHeaders
  body: string
  signal: AbortSignal
}

/** @returns the status of the answer, whichever it is; throws when there was none */
export type Post = (request: PostRequest) => Promise<number>

export const createPost =
  (destinations: Destinations): Post =>
  async ({ url: address, headers, body, signal }) => {
    const url = destinations.parse(address)
    // a literal address is dialled without being looked up
    await destinations.check(url)
    const answer = await answerTo(url)
    drain(answer)
    return answer.statusCode ?? 0

    function answerTo(target: URL): Promise<IncomingMessage> {
      const send = target.protocol === 'https:' ? requestHttps : requestHttp
      return new Promise((resolve, reject) => {
        const request = send(target, {
          method: 'POST',
          // a connection of its own: none that was checked for another time is used again
          agent: false,
          lookup: destinations.lookup,
          signal,
          headers: {
            ...headers,
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            'user-agent': `Mainstay/${version}`,
          },
        })
        request.once('response', resolve)
        request.once('error', reject)
        request.end(body)
      })
    }
  }

/** Lets a server finish its answer, if that is short; what counts is the status, which is known. */
function drain(answer: IncomingMessage): void {
  const end = (): void => {
    answer.destroy()
  }
  const timer = setTimeout(end, ANSWER_LIMIT_MS)
  answer.once('close', () => clearTimeout(timer))
  answer.on('error', end)
  let bytes = 0
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > ANSWER_LIMIT_BYTES) end()
  })
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

/** Why there was no answer, in a word: the whole of it would tell whoever may read it about our network. */
export function reasonOf(error: unknown): AttemptError {
  if (error instanceof DestinationRefusedError) return 'address_refused'
  const code = codeOf(error)
  if (isTimeout(error) || code === 'ABORT_ERR' || code === 'ETIMEDOUT') return 'timeout'
  return /^ERR_(TLS|SSL)_|^EPROTO$|CERT|SIGNATURE/.test(code) ? 'tls' : 'unreachable'
}
