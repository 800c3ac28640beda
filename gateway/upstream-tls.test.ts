/** The certificate of a service is checked: @fastify/reply-from leaves that out unless told. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { expect, inject, test } from 'vitest'
import { natsOf, startTestGateway } from './testing/harness.ts'

const der = (tag: number, ...parts: Buffer[]): Buffer => {
  const content = Buffer.concat(parts)
  const length =
    content.length < 128
      ? Buffer.from([content.length])
      : Buffer.from([0x82, content.length >> 8, content.length & 255])
  return Buffer.concat([Buffer.from([tag]), length, content])
}
const sequence = (...parts: Buffer[]) => der(0x30, ...parts)
const ED25519 = sequence(der(0x06, Buffer.from([0x2b, 0x65, 0x70])))
const COMMON_NAME = der(0x06, Buffer.from([0x55, 0x04, 0x03]))

/** A certificate that nobody vouches for. */
function selfSigned(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const name = sequence(der(0x31, sequence(COMMON_NAME, der(0x0c, Buffer.from('localhost')))))
  const time = (text: string) => der(0x17, Buffer.from(text))
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ED25519,
    name,
    sequence(time('200101000000Z'), time('491231235959Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  )
  const signature = der(0x03, Buffer.from([0]), sign(null, body, privateKey))
  const certificate = sequence(body, ED25519, signature).toString('base64')
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----\n`,
  }
}

test('a service whose certificate nobody vouches for gets nothing', async () => {
  let requests = 0
  const impostor = createServer(selfSigned(), (_request, response) => {
    requests += 1
    response.setHeader('content-type', 'application/json').end('{}')
  })
  await new Promise<void>((resolve) => impostor.listen(0, '127.0.0.1', resolve))
  const { port } = impostor.address() as AddressInfo
  const gateway = await startTestGateway({
    nats: natsOf(inject('infrastructure')),
    environment: { INVENTORY_URL: `https://localhost:${port}` },
  })
  try {
    const answer = await fetch(`${gateway.url}/api/v1/products`)
    expect(answer.status).toBe(502)
    expect(await answer.json()).toMatchObject({ code: 'upstream_unreachable' })
    expect(requests).toBe(0)
  } finally {
    await gateway.stop()
    impostor.close()
  }
})
