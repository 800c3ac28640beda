/** Ends connections that would keep a stopping server alive. */
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** Requests in flight when the stop begins get this long. */
const LAST_ANSWERS_MS = 10_000

/**
 * Node closes connections that have been used and are idle. Those that were opened ahead and never sent a request
 * (browsers and connection pools do that) would hold the stop for a minute; and one slow client holds it as it likes.
 */
export function endConnectionsOnClose(app: FastifyInstance): void {
  const unused = new Set<Socket>()
  let lastAnswers: NodeJS.Timeout | undefined
  app.server.on('connection', (socket) => {
    unused.add(socket)
    socket.once('close', () => unused.delete(socket))
  })
  app.server.on('request', (request) => unused.delete(request.socket))
  app.addHook('preClose', (done) => {
    for (const socket of unused) socket.destroy()
    lastAnswers = setTimeout(() => app.server.closeAllConnections(), LAST_ANSWERS_MS)
    done()
  })
  app.addHook('onClose', (_app, done) => {
    clearTimeout(lastAnswers)
    done()
  })
}
