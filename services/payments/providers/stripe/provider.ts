/**
 * Stripe behind the platform's port: PaymentIntents that are confirmed at once and captured by hand. Without Stripe's own
 * package (ADR 18): five calls need a form encoder and no second client with retries and timeouts of its own.
 */
import { loadConfig, type Environment } from '#platform/config.ts'
import { createBreaker } from '#platform/outbound/breaker.ts'
import { createJsonClient, NotSentError } from '#platform/outbound/json-client.ts'
import type {
  AuthorizeRequest,
  PaymentProvider,
  ProviderAuthorization,
  ProviderContext,
  ProviderOutcome,
} from '../provider.ts'
import { toAuthorization } from './authorization.ts'
import { stripeConfig } from './config.ts'
import { toForm, type FormValue } from './form.ts'
import { refusalOf } from './outcome.ts'
import { parseDisputes, parsePaymentIntent, parseRefund, parseRefunds } from './schemas.ts'
import { verifyStripeWebhook } from './webhook.ts'

/** What schemas.ts was written for; a newer one is a change to be read about first. */
const API_VERSION = '2024-06-20'
/** Stripe forgets keys after 24 hours at the earliest. */
const KEY_LIFETIME_HOURS = 24
/** Currencies whose minor unit at Stripe is not that of ISO 4217, or that it takes in tens only. */
const OTHER_MINOR_UNITS = new Set(['ISK', 'UGX', 'BHD', 'JOD', 'KWD', 'OMR', 'TND'])

/** Makes the Stripe provider; `load.ts` finds it by its folder's name. */
export function createProvider(
  environment: Environment,
  { timeoutMs, logger }: ProviderContext,
): PaymentProvider {
  const config = loadConfig(stripeConfig, environment)
  const multicapture = config.STRIPE_MULTICAPTURE
  const breaker = createBreaker({ name: 'payment provider', timeoutMs, logger })
  const client = createJsonClient({ baseUrl: config.STRIPE_API_URL, breaker })
  const headers = { authorization: `Bearer ${config.STRIPE_API_KEY}`, 'stripe-version': API_VERSION }

  /** @param read makes what the port wants of the body of a success */
  async function post(
    path: string,
    parameters: Record<string, FormValue>,
    key: string,
    read: (body: unknown) => Promise<ProviderOutcome>,
  ): Promise<ProviderOutcome> {
    try {
      const answer = await client.call({
        method: 'POST',
        path: `/v1/${path}`,
        body: toForm(parameters),
        headers: { ...headers, 'idempotency-key': key },
      })
      return answer.status === 200 ? await read(answer.body) : refusalOf(answer)
    } catch (cause) {
      return { outcome: cause instanceof NotSentError ? 'not_sent' : 'unknown', cause }
    }
  }

  async function get(path: string, query: Record<string, FormValue>): Promise<unknown> {
    const answer = await client.call({
      method: 'GET',
      path: `/v1/${path}?${toForm(query).toString()}`,
      headers,
    })
    if (answer.status === 404) return undefined
    if (answer.status !== 200) throw new Error(`Stripe answered ${answer.status} to GET ${path}`)
    return answer.body
  }

  /** The whole truth about a PaymentIntent whose charge is expanded. */
  async function complete(body: unknown): Promise<ProviderAuthorization> {
    const intent = parsePaymentIntent(body)
    const charge = typeof intent.latest_charge === 'object' ? intent.latest_charge : null
    const about = { payment_intent: intent.id, limit: 100 }
    const captured = charge != null && charge.amount_captured > 0
    const refunds = captured ? parseRefunds(await get('refunds', about)).data : []
    const disputes = charge?.disputed === true ? parseDisputes(await get('disputes', about)).data : []
    return toAuthorization({ intent, refunds, disputes })
  }

  async function outcomeOf(body: unknown): Promise<ProviderOutcome> {
    const authorization = await complete(body)
    const { state, declineCode } = authorization
    if (state === 'declined') return { outcome: 'declined', code: declineCode ?? 'declined' }
    return { outcome: state === 'requires_action' ? 'requires_action' : 'succeeded', authorization }
  }

  async function find(id: string): Promise<ProviderAuthorization | undefined> {
    const found = await get(pathOf(id), { expand: EXPAND })
    return found === undefined ? undefined : complete(found)
  }

  function authorize(request: AuthorizeRequest, key: string): Promise<ProviderOutcome> {
    const { amount, currency, paymentMethod, reference, customer } = request
    if (OTHER_MINOR_UNITS.has(currency))
      return Promise.resolve({ outcome: 'declined', code: 'currency_not_supported' })
    const parameters = {
      amount,
      currency: currency.toLowerCase(),
      payment_method: paymentMethod,
      payment_method_types: ['card'],
      capture_method: 'manual',
      confirm: true,
      return_url: config.STRIPE_RETURN_URL,
      metadata: { reference, customer },
      payment_method_options: multicapture ? { card: { request_multicapture: 'if_available' } } : undefined,
      expand: EXPAND,
    }
    return post('payment_intents', parameters, key, outcomeOf)
  }

  return {
    name: 'stripe',
    // Stripe's search lags behind its writes, so that it cannot tell that something never happened
    capabilities: { multicapture, keyLifetimeHours: KEY_LIFETIME_HOURS, lookupByReference: false },
    authorize,
    capture(id, amount, key) {
      const last = multicapture ? { final_capture: false } : {}
      const parameters = { amount_to_capture: amount, ...last, expand: EXPAND }
      return post(`${pathOf(id)}/capture`, parameters, key, outcomeOf)
    },
    void: (id, key) => post(`${pathOf(id)}/cancel`, { expand: EXPAND }, key, outcomeOf),
    refund(id, { amount }, key) {
      // the reason is the shop's own words; Stripe takes only three of its own
      const parameters = { payment_intent: id, amount, metadata: { key } }
      return post('refunds', parameters, key, async (body) => {
        const { status } = parseRefund(body)
        if (status === 'failed' || status === 'canceled')
          return { outcome: 'declined', code: `refund_${status}` }
        const authorization = await find(id)
        if (authorization === undefined) throw new Error(`Stripe refunded ${id} and does not know it`)
        return { outcome: 'succeeded', authorization }
      })
    },
    find,
    findByReference: () => Promise.reject(new Error('Stripe cannot be asked by reference')),
    verifyWebhook(raw, received) {
      const header = received['stripe-signature']
      return verifyStripeWebhook(
        raw,
        Array.isArray(header) ? header[0] : header,
        config.STRIPE_WEBHOOK_SECRET,
      )
    },
  }
}

const EXPAND = ['latest_charge']

const pathOf = (id: string): string => `payment_intents/${encodeURIComponent(id)}`
