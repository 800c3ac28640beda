import { createHmac, timingSafeEqual } from 'node:crypto'

const TOLERANCE_SECONDS = 300
const HEADER = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/

/**
 * Verifies `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.rawbody">`: the secret, and that it was signed within five
 * minutes of now.
 */
export function verifySignature(
  raw: Buffer,
  header: string | undefined,
  secret: string,
  now = Date.now(),
): boolean {
  const [, time, signature] = HEADER.exec(header ?? '') ?? []
  if (time === undefined || signature === undefined) return false
  if (Math.abs(now / 1000 - Number(time)) > TOLERANCE_SECONDS) return false
  const expected = createHmac('sha256', secret).update(`${time}.`).update(raw).digest()
  return timingSafeEqual(expected, Buffer.from(signature, 'hex'))
}
