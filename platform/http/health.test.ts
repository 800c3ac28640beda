/* oxlint-disable oxc/no-async-endpoint-handlers -- these are Fastify handlers, which are awaited */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { closeWithFile } from '#tests/support/closing.ts'
import { silentLogger } from '#tests/support/orders.ts'
import { createHttpServer, type HttpServerOptions } from './server.ts'

async function serve(probes: HttpServerOptions['probes'] = {}) {
  const app = createHttpServer({ logger: silentLogger, probes })
  closeWithFile(() => app.close())
  app.get('/things', async () => ({}))
  const gate = Promise.withResolvers<void>()
  let waiting = 0
  app.get('/slow', async () => {
    waiting += 1
    await gate.promise
    return {}
  })
  /** Resolves when so many requests wait for the gate. */
  const arrived = (count: number) => vi.waitFor(() => expect(waiting).toBe(count), 40_000)
  const sockets: Socket[] = []
  app.server.on('connection', (socket: Socket) => sockets.push(socket))
  /** Resolves when the server has read so much. */
  const read = (bytes: number) =>
    vi.waitFor(() => expect(sockets.reduce((sum, { bytesRead }) => sum + bytesRead, 0)).toBe(bytes), 40_000)
  return { app, arrived, read, open: gate.resolve, url: await app.listen({ host: '127.0.0.1', port: 0 }) }
}

describe('health', () => {
  it('tells of the process at /livez and /readyz and of what it needs at /health', async () => {
    let broker = true
    const { url } = await serve({
      database: async () => {},
      broker: async () => {
        if (!broker) throw new Error('away')
      },
    })
    const status = async (path: string) => (await fetch(url + path)).status
    expect([await status('/livez'), await status('/readyz'), await status('/health')]).toEqual([
      200, 200, 200,
    ])
    broker = false
    expect([await status('/livez'), await status('/readyz'), await status('/health')]).toEqual([
      200, 200, 503,
    ])
    expect(await (await fetch(`${url}/health`)).json()).toMatchObject({
      status: 'degraded',
      checks: { database: { status: 'up' }, broker: { status: 'down', detail: 'away' } },
    })
  })

  it('finishes requests in flight at the stop, and sends those that still come elsewhere', async () => {
    const { app, arrived, read, open: answer, url } = await serve()
    const { hostname, port } = new URL(url)
    const open = async () => {
      const socket = connect(Number(port), hostname)
      let text = ''
      socket.on('data', (chunk) => (text += chunk.toString()))
      await once(socket, 'connect')
      return { socket, text: () => text, closed: once(socket, 'close') }
    }
    const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`
    // pipelined behind a request that runs while the stop begins: the only way in that is still open then
    const [late, ready, alive] = [await open(), await open(), await open()]
    for (const { socket } of [late, ready, alive]) socket.write(get('/slow'))
    await arrived(3)
    const closing = app.close()
    await sleep(20)
    late.socket.write(get('/things'))
    ready.socket.write(get('/readyz'))
    alive.socket.write(get('/livez'))
    const sent = ['/slow', '/slow', '/slow', '/things', '/readyz', '/livez'].map(get).join('')
    await read(sent.length)
    answer()
    await Promise.all([late.closed, ready.closed, alive.closed, closing])
    const statuses = ({ text }: typeof late) =>
      [...text().matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status)
    expect(statuses(late)).toEqual(['200', '503'])
    expect(late.text()).toContain('"code":"unavailable"')
    expect(late.text().toLowerCase()).toContain('retry-after: 1')
    expect(statuses(ready)).toEqual(['200', '503'])
    expect(ready.text()).toContain('{"status":"stopping"}')
    expect(statuses(alive)).toEqual(['200', '200'])
  })
})
