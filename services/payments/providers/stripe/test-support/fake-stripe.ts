/** The few rules of Stripe's that the adapter lives on, kept in memory: stripe-mock checks forms, and keeps no state. */
import { startServer, type Answer, type Received } from './http-server.ts'

interface Intent {
  id: string
  amount: number
  currency: string
  status: string
  reference: string
  captured: number
  released: number
  returnUrl: string | null
  disputes: { id: string; amount: number; status: string }[]
}

interface Refunded {
  id: string
  payment_intent: string
  amount: number
  metadata: Record<string, string>
  balance_transaction: string | null
}

const DECLINES: Record<string, object> = {
  pm_card_visa_chargeDeclined: { code: 'card_declined', decline_code: 'generic_decline' },
  pm_card_visa_chargeDeclinedInsufficientFunds: { code: 'card_declined', decline_code: 'insufficient_funds' },
}

const error = (status: number, fields: object): Answer => ({
  status,
  body: { error: { type: status === 402 ? 'card_error' : 'invalid_request_error', ...fields } },
})

export async function startFakeStripe() {
  const intents = new Map<string, Intent>()
  const refunds: Refunded[] = []
  const answers = new Map<string, { request: string; answer: Answer }>()
  const server = await startServer((call) => (call.method === 'GET' ? read(call) : once(call)))

  /** Keys are remembered with their answers, errors too. */
  function once(call: Received): Answer {
    const key = String(call.headers['idempotency-key'])
    const request = `${call.path}?${call.body}`
    const known = answers.get(key) ?? { request, answer: write(call) }
    answers.set(key, known)
    if (known.request === request) return known.answer
    return { status: 400, body: { error: { type: 'idempotency_error' } } }
  }

  function write({ path, body }: Received): Answer {
    const form = new URLSearchParams(body)
    if (path === '/v1/payment_intents') return create(form)
    if (path === '/v1/refunds') return refund(form)
    const [, id = '', operation] = /^\/v1\/payment_intents\/([^/]+)\/(capture|cancel)$/.exec(path) ?? []
    const intent = intents.get(id)
    if (intent === undefined) return error(404, { code: 'resource_missing', param: 'intent' })
    return operation === 'capture' ? capture(intent, form) : cancel(intent)
  }

  function create(form: URLSearchParams): Answer {
    const method = form.get('payment_method') ?? ''
    const declined = DECLINES[method]
    if (declined !== undefined) return error(402, declined)
    if (!method.startsWith('pm_card_'))
      return error(400, { code: 'resource_missing', param: 'payment_method' })
    const intent: Intent = {
      id: `pi_${intents.size + 1}`,
      amount: Number(form.get('amount')),
      currency: form.get('currency') ?? '',
      status: method === 'pm_card_authenticationRequired' ? 'requires_action' : 'requires_capture',
      reference: form.get('metadata[reference]') ?? '',
      captured: 0,
      released: 0,
      returnUrl: form.get('return_url'),
      disputes: [],
    }
    intents.set(intent.id, intent)
    return { status: 200, body: show(intent) }
  }

  function capture(intent: Intent, form: URLSearchParams): Answer {
    const amount = Number(form.get('amount_to_capture'))
    if (intent.status !== 'requires_capture') return error(400, { code: 'payment_intent_unexpected_state' })
    if (amount > openOf(intent)) return error(400, { code: 'amount_too_large', param: 'amount_to_capture' })
    intent.captured += amount
    if (form.get('final_capture') !== 'false') release(intent, 'succeeded')
    return { status: 200, body: show(intent) }
  }

  function cancel(intent: Intent): Answer {
    if (intent.status === 'succeeded' || intent.status === 'canceled')
      return error(400, { code: 'payment_intent_unexpected_state' })
    release(intent, 'canceled')
    return { status: 200, body: show(intent) }
  }

  /** Stripe lists what it gives back uncaptured as a refund. */
  function release(intent: Intent, status: string): void {
    const amount = intent.status === 'requires_capture' ? openOf(intent) : 0
    if (amount > 0) addRefund(intent.id, amount, {}, null)
    intent.released += amount
    intent.status = status
  }

  function refund(form: URLSearchParams): Answer {
    const intent = intents.get(form.get('payment_intent') ?? '')
    const amount = Number(form.get('amount'))
    if (intent === undefined) return error(404, { code: 'resource_missing' })
    const back = refunds.filter(
      (each) => each.payment_intent === intent.id && each.balance_transaction !== null,
    )
    const left = intent.captured - back.reduce((sum, each) => sum + each.amount, 0)
    if (amount > left)
      return error(400, { code: left === 0 ? 'charge_already_refunded' : 'amount_too_large' })
    const made = addRefund(intent.id, amount, { key: form.get('metadata[key]') ?? '' }, 'txn_1')
    return { status: 200, body: { object: 'refund', status: 'succeeded', ...made } }
  }

  function addRefund(
    payment_intent: string,
    amount: number,
    metadata: Record<string, string>,
    balance_transaction: string | null,
  ): Refunded {
    const made = { id: `re_${refunds.length + 1}`, payment_intent, amount, metadata, balance_transaction }
    refunds.push(made)
    return made
  }

  function read({ path }: Received): Answer {
    const url = new URL(path, 'http://stripe.test')
    const about = url.searchParams.get('payment_intent') ?? ''
    if (url.pathname === '/v1/refunds') {
      const data = refunds.filter((each) => each.payment_intent === about)
      return {
        status: 200,
        body: { data: data.map((each) => ({ object: 'refund', status: 'succeeded', ...each })) },
      }
    }
    if (url.pathname === '/v1/disputes')
      return { status: 200, body: { data: intents.get(about)?.disputes ?? [] } }
    const intent = intents.get(url.pathname.split('/').at(-1) ?? '')
    return intent === undefined
      ? error(404, { code: 'resource_missing' })
      : { status: 200, body: show(intent) }
  }

  return { ...server, intents }
}

const openOf = ({ amount, captured, released }: Intent): number => amount - captured - released

function show(intent: Intent) {
  const waits = intent.status === 'requires_action'
  const charge = {
    amount_captured: intent.captured,
    paid: true,
    disputed: intent.disputes.length > 0,
    payment_method_details: { card: { brand: 'visa', last4: '4242', capture_before: 2_000_000_000 } },
  }
  return {
    id: intent.id,
    object: 'payment_intent',
    amount: intent.amount,
    amount_capturable: intent.status === 'requires_capture' ? openOf(intent) : 0,
    status: intent.status,
    metadata: { reference: intent.reference },
    // a customer who never approved was never charged
    latest_charge: waits || (intent.status === 'canceled' && intent.released === 0) ? null : charge,
    last_payment_error: null,
    next_action:
      waits && intent.returnUrl !== null
        ? { type: 'redirect_to_url', redirect_to_url: { url: `https://hooks.stripe.test/${intent.id}` } }
        : waits
          ? { type: 'use_stripe_sdk', use_stripe_sdk: {} }
          : null,
  }
}
