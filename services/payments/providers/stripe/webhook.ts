/** Stripe's webhook signatures: https://docs.stripe.com/webhooks#verify-manually */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { ValidationError } from '#platform/validation.ts'
import type { ProviderEvent } from '../provider.ts'
import { parseEvent } from './schemas.ts'

const TOLERANCE_SECONDS = 300
const NUL = '\u0000'

/** Undefined when the signature, its time or the body is not right. */
export function verifyStripeWebhook(
  raw: Buffer,
  header: string | undefined,
  secret: string,
  now = Date.now(),
): ProviderEvent | undefined {
  if (!isSigned(raw, header ?? '', secret, now)) return undefined
  try {
    return readEvent(JSON.parse(raw.toString('utf8')))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof ValidationError) return undefined
    throw error
  }
}

/** `t=<unix seconds>,v1=<hex HMAC-SHA256 of "t.rawbody">`, with one `v1` for each secret while a secret is being changed. */
function isSigned(raw: Buffer, header: string, secret: string, now: number): boolean {
  const parts = header.split(',').map((part) => part.trim().split('=', 2))
  const time = parts.find(([name]) => name === 't')?.[1] ?? ''
  if (!/^\d{1,12}$/.test(time) || Math.abs(now / 1000 - Number(time)) > TOLERANCE_SECONDS) return false
  const expected = createHmac('sha256', secret).update(`${time}.`).update(raw).digest()
  return parts.some(
    ([name, value = '']) =>
      name === 'v1' && /^[0-9a-f]{64}$/.test(value) && timingSafeEqual(expected, Buffer.from(value, 'hex')),
  )
}

/** Disputes and refunds name their PaymentIntent and not our reference. */
function readEvent(body: unknown): ProviderEvent {
  const { id, data } = parseEvent(body)
  const { object, metadata, payment_intent: intent } = data.object
  const authorizationId = object === 'payment_intent' ? data.object.id : (intent ?? undefined)
  const reference = metadata?.['reference']
  return {
    id,
    ...(isPlain(reference) ? { reference } : {}),
    ...(isPlain(authorizationId) ? { authorizationId } : {}),
  }
}

/** PostgreSQL stores no NUL in text. */
const isPlain = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= 200 && !value.includes(NUL)
