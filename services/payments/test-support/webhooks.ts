/** Webhooks of the sandbox provider, and the door that they come to. */
import { createHmac, randomUUID } from 'node:crypto'
import { createLogger } from '#platform/logger.ts'
import { createSandbox } from '../providers/sandbox/provider.ts'
import { createReceiveWebhook } from '../webhooks/receive-webhook.ts'
import type { Store } from '../store.ts'
import { openDoor } from './door.ts'
import type { Payments } from './payments.ts'

const SECRET = 'a secret for webhook signatures'

export interface Webhook {
  payload: string
  headers: { 'content-type': string; 'provider-signature': string }
}

/** Signed with the secret that the door knows, unless told. */
export function webhook(
  reference: string,
  {
    id = `evt_${randomUUID()}`,
    secret = SECRET,
    padding = 0,
    figures,
  }: { id?: string; secret?: string; padding?: number; figures?: object } = {},
): Webhook {
  const payload = JSON.stringify({
    id,
    type: 'authorization.authorized',
    data: { reference, figures },
    padding: 'x'.repeat(padding),
  })
  const at = Math.floor(Date.now() / 1000)
  const signature = createHmac('sha256', secret).update(`${at}.${payload}`).digest('hex')
  return {
    payload,
    headers: { 'content-type': 'application/json', 'provider-signature': `t=${at},v1=${signature}` },
  }
}

/** Sends it to the service's door, where the sandbox is the provider that verifies it. */
export function postWebhook(
  { database, payments }: { database: Store; payments: Payments },
  message: Webhook,
  name = 'sandbox',
) {
  const sandbox = createSandbox({
    url: 'http://127.0.0.1:9',
    apiKey: 'key',
    webhookSecret: SECRET,
    timeoutMs: 1_000,
    multicapture: true,
    keyLifetimeHours: 24,
    logger: createLogger({ service: 'payments', level: 'silent' }),
  })
  const door = openDoor({
    database,
    payments,
    caller: { kind: 'anonymous', subject: 'anonymous', roles: [], scopes: [] },
    receiveWebhook: createReceiveWebhook({ database, provider: sandbox, onStored: () => {} }),
  })
  return door.inject({ method: 'POST', url: `/api/v1/webhooks/payments/${name}`, ...message })
}
