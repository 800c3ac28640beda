/** The adapter of the sandbox provider's HTTP API. */
import { loadConfig, type Environment } from '#platform/config.ts'
import { createBreaker } from '#platform/outbound/breaker.ts'
import { createJsonClient, NotSentError, type JsonAnswer } from '#platform/outbound/json-client.ts'
import { ValidationError } from '#platform/validation.ts'
import type { PaymentProvider, ProviderContext, ProviderOutcome } from '../provider.ts'
import { sandboxConfig } from './config.ts'
import { parseAuthorization, parseAuthorizations, parseEvent, parseRefusal } from './schemas.ts'
import { verifySignature } from '#platform/webhook-signature.ts'

/** Answers of the provider's door: the request was not looked at. */
const TURNED_AWAY = new Set([401, 403, 429])
/** Answers that say of the operation itself that it is refused. */
const REFUSED = new Set([402, 409, 422])

export interface SandboxOptions extends ProviderContext {
  url: string
  apiKey: string
  webhookSecret: string
  multicapture: boolean
  keyLifetimeHours: number
}

/** Makes the sandbox provider; `load.ts` finds it by its folder's name. */
export function createProvider(environment: Environment, context: ProviderContext): PaymentProvider {
  const config = loadConfig(sandboxConfig, environment)
  return createSandbox({
    ...context,
    url: config.PROVIDER_URL,
    apiKey: config.PROVIDER_API_KEY,
    webhookSecret: config.PROVIDER_WEBHOOK_SECRET,
    multicapture: config.PROVIDER_MULTICAPTURE,
    keyLifetimeHours: config.PROVIDER_KEY_LIFETIME_HOURS,
  })
}

export function createSandbox(options: SandboxOptions): PaymentProvider {
  const { url, apiKey, webhookSecret, timeoutMs, multicapture, keyLifetimeHours, logger } = options
  const breaker = createBreaker({ name: 'payment provider', timeoutMs, logger })
  const client = createJsonClient({ baseUrl: url, breaker })
  const authorization = `Bearer ${apiKey}`

  async function post(path: string, body: object, key: string): Promise<ProviderOutcome> {
    try {
      const headers = { authorization, 'idempotency-key': key }
      return toOutcome(await client.call({ method: 'POST', path, body, headers }))
    } catch (cause) {
      return { outcome: cause instanceof NotSentError ? 'not_sent' : 'unknown', cause }
    }
  }

  async function get(path: string): Promise<unknown> {
    const answer = await client.call({ method: 'GET', path, headers: { authorization } })
    if (answer.status === 404) return undefined
    if (answer.status !== 200) throw new Error(`the provider answered ${answer.status} to GET ${path}`)
    return answer.body
  }

  return {
    name: 'sandbox',
    capabilities: { multicapture, keyLifetimeHours, lookupByReference: true },
    authorize: (request, key) => post('/v1/authorizations', request, key),
    capture: (id, amount, key) => post(`${pathOf(id)}/captures`, { amount }, key),
    void: (id, key) => post(`${pathOf(id)}/void`, {}, key),
    refund: (id, request, key) => post(`${pathOf(id)}/refunds`, request, key),
    async find(id) {
      const found = await get(pathOf(id))
      return found === undefined ? undefined : parseAuthorization(found)
    },
    async findByReference(reference) {
      const found = await get(`/v1/authorizations?reference=${encodeURIComponent(reference)}`)
      return parseAuthorizations(found).find((each) => each.reference === reference)
    },
    verifyWebhook(raw, headers) {
      const header = headers['provider-signature']
      if (!verifySignature(raw, Array.isArray(header) ? header[0] : header, webhookSecret)) return undefined
      try {
        return parseEvent(JSON.parse(raw.toString('utf8')))
      } catch (error) {
        if (error instanceof SyntaxError || error instanceof ValidationError) return undefined
        throw error
      }
    },
  }
}

const pathOf = (id: string): string => `/v1/authorizations/${encodeURIComponent(id)}`

/** Throws for what is no usable answer. */
function toOutcome({ status, body }: JsonAnswer): ProviderOutcome {
  if (status === 200 || status === 201) {
    const authorization = parseAuthorization(body)
    if (authorization.state === 'declined')
      return { outcome: 'declined', code: authorization.declineCode ?? 'declined' }
    const waiting = authorization.state === 'requires_action'
    return { outcome: waiting ? 'requires_action' : 'succeeded', authorization }
  }
  const code = parseRefusal(body)
  if (TURNED_AWAY.has(status))
    return { outcome: 'not_sent', cause: new Error(`the provider answered ${status} ${code}`) }
  // the first call with this key is still running there: its outcome is not known yet
  if (REFUSED.has(status) && code !== 'idempotency_key_in_use') return { outcome: 'declined', code }
  return { outcome: 'unknown', cause: new Error(`the provider answered ${status} ${code}`) }
}
