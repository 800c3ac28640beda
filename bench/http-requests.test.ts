import { createServer } from 'node:http'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { countRequests } from './http-requests.ts'

describe('countRequests', () => {
  it('counts by port until it is stopped', async () => {
    const server = createServer((_request, response) => void response.end('ok')).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const call = async (): Promise<string> => (await fetch(`http://127.0.0.1:${port}/`)).text()
    const counter = countRequests()
    await call()
    await call()
    expect(counter.read().get(port)).toBe(2)
    counter.stop()
    await call()
    expect(counter.read().get(port)).toBe(2)
    server.close()
  })
})
