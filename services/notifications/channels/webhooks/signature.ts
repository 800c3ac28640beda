/** Standard Webhooks: how what we send is signed. Source: https://github.com/standard-webhooks/standard-webhooks */
import { createHmac } from 'node:crypto'

const PREFIX = 'whsec_'

/**
 * The secret of an endpoint, `whsec_` and 32 bytes in base64. It is derived from the master secret and stored nowhere:
 * who reads the broker's disk learns none.
 */
export const secretOf = (masterSecret: string, endpointId: string): string =>
  PREFIX + createHmac('sha256', masterSecret).update(`webhook-endpoint:${endpointId}`).digest('base64')

export interface SignedHeaders {
  'webhook-id': string
  'webhook-timestamp': string
  'webhook-signature': string
}

/**
 * @param id of the event: the same in every attempt
 * @param at milliseconds; receivers refuse what is old, so each attempt is signed anew
 */
export function sign(secret: string, id: string, body: string, at: number): SignedHeaders {
  const timestamp = String(Math.floor(at / 1000))
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}
