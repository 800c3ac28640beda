/** What Node's parser cannot read is answered as a problem too, though there is no request and no reply. */
import { randomUUID } from 'node:crypto'
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { ProblemError } from '../problem.ts'

/** Written to the connection as it is; what follows on it cannot be trusted, so it is closed. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy(error)
    return
  }
  const problem = problemOf(error)
  const requestId = randomUUID()
  const body = JSON.stringify(problem.toBody('', requestId))
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    'x-content-type-options: nosniff',
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
}

function problemOf(cause: NodeJS.ErrnoException): ProblemError {
  switch (cause.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ProblemError('request_timeout', 'The request did not arrive in time.', { cause })
    case 'HPE_HEADER_OVERFLOW':
      return new ProblemError('headers_too_large', 'The headers are larger than this server takes.', {
        cause,
      })
    default:
      return new ProblemError('malformed_request', 'This is not an HTTP request that can be read.', { cause })
  }
}
