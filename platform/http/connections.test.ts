import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { createLogger } from '../logger.ts'
import { createHttpServer } from './server.ts'

test('a connection that was opened ahead and never used does not hold the stop', async () => {
  const app = createHttpServer({ logger: createLogger({ service: 'test', level: 'silent' }), probes: {} })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const accepted = once(app.server, 'connection')
  const socket = connect(port, '127.0.0.1')
  await accepted
  const started = performance.now()
  await app.close()
  expect(performance.now() - started).toBeLessThan(20_000)
  socket.destroy()
})
