/** Lets a client that is still sending read why it is refused. */
import type { FastifyInstance } from 'fastify'

/** What is taken in of a body that nobody wants, and for how long. */
const MOST_BYTES = 32 * 1_048_576
const LONGEST_MS = 5_000

/**
 * A body that is too large is refused before it has arrived. A connection that is closed with bytes on their way is reset,
 * and the client never sees the answer: so the rest is read and thrown away, within bounds.
 */
export function drainRefusedBodies(app: FastifyInstance): void {
  app.addHook('onSend', async (request, reply) => {
    if (reply.statusCode !== 413 || request.raw.complete) return
    const { raw } = request
    let bytes = 0
    await new Promise<void>((resolve) => {
      const enough = setTimeout(resolve, LONGEST_MS)
      const done = (): void => {
        clearTimeout(enough)
        resolve()
      }
      raw.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > MOST_BYTES) done()
      })
      raw.once('end', done).once('close', done).resume()
    })
  })
}
