import { createHmac, randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Environment } from '#platform/config.ts'
import { createLogger } from '#platform/logger.ts'
import { describeProvider } from '../conformance.ts'
import { loadProvider } from '../load.ts'
import { toForm } from './form.ts'
import { createProvider } from './provider.ts'
import { startFakeStripe } from './test-support/fake-stripe.ts'
import { startServer, type Answer } from './test-support/http-server.ts'

const SECRET = 'whsec_0123456789abcdef'
const context = { timeoutMs: 2_000, logger: createLogger({ service: 'payments', level: 'silent' }) }
const environment = (url: string, more: Environment = {}): Environment => ({
  STRIPE_API_KEY: 'sk_test_123',
  STRIPE_WEBHOOK_SECRET: SECRET,
  STRIPE_RETURN_URL: 'https://shop.test/back',
  STRIPE_API_URL: url,
  ...more,
})
const request = {
  amount: 1_050,
  currency: 'EUR',
  paymentMethod: 'pm_card_visa',
  reference: 'order:authorize:1',
  customer: 'c-1',
}

const event = (object: object) => Buffer.from(JSON.stringify({ id: 'evt_1', data: { object } }))
const raw = event({ object: 'payment_intent', id: 'pi_1', metadata: { reference: 'r' } })
const now = () => Math.floor(Date.now() / 1000)

const sign = (body: Buffer, at: number, secret = SECRET) =>
  createHmac('sha256', secret).update(`${at}.`).update(body).digest('hex')

for (const multicapture of [true, false]) {
  describeProvider(
    { describe, it, expect, beforeAll, afterAll },
    `stripe, multicapture ${multicapture}`,
    async () => {
      const stripe = await startFakeStripe()
      const variables = environment(stripe.url, { STRIPE_MULTICAPTURE: String(multicapture) })
      return {
        provider: await loadProvider('stripe', variables, context),
        methods: {
          approved: 'pm_card_visa',
          declined: 'pm_card_visa_chargeDeclinedInsufficientFunds',
          declineCode: 'insufficient_funds',
          secure: 'pm_card_authenticationRequired',
        },
        async authenticate({ id }, approved) {
          stripe.intents.get(id)!.status = approved ? 'requires_capture' : 'requires_payment_method'
        },
        webhook() {
          const at = now()
          return { raw, headers: { 'stripe-signature': `t=${at},v1=${sign(raw, at)}` } }
        },
        stop: stripe.stop,
      }
    },
  )
}

const ended: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ended.splice(0)) await end()
})

async function answering(answer: Answer, more: Environment = {}) {
  const server = await startServer(() => answer)
  ended.push(() => server.stop())
  return { server, provider: createProvider(environment(server.url, more), context) }
}

async function fake(more: Environment = {}) {
  const stripe = await startFakeStripe()
  ended.push(() => stripe.stop())
  return { stripe, provider: createProvider(environment(stripe.url, more), context) }
}

describe('the Stripe adapter', () => {
  it('sends forms with our key, the pinned version and the reference', async () => {
    const { server, provider } = await answering({ status: 500, body: {} })
    await provider.authorize(request, 'order:authorize:1')
    const [sent] = server.received
    expect(sent).toMatchObject({
      method: 'POST',
      path: '/v1/payment_intents',
      headers: {
        authorization: 'Bearer sk_test_123',
        'idempotency-key': 'order:authorize:1',
        'stripe-version': '2024-06-20',
        'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
      },
    })
    expect(Object.fromEntries(new URLSearchParams(sent?.body))).toEqual({
      amount: '1050',
      currency: 'eur',
      payment_method: 'pm_card_visa',
      'payment_method_types[0]': 'card',
      capture_method: 'manual',
      confirm: 'true',
      return_url: 'https://shop.test/back',
      'metadata[reference]': 'order:authorize:1',
      'metadata[customer]': 'c-1',
      'expand[0]': 'latest_charge',
    })
  })

  it.each<[string, Answer, object]>([
    ['a wrong key', { status: 401, body: {} }, { outcome: 'not_sent' }],
    ['too many requests', { status: 429, body: {} }, { outcome: 'not_sent' }],
    ['a server error', { status: 500, body: {} }, { outcome: 'unknown' }],
    ['an answer that is nothing of Stripe', { status: 200, body: {} }, { outcome: 'unknown' }],
    ['an error that is nothing of Stripe', { status: 400, body: {} }, { outcome: 'unknown' }],
    [
      'the first call with this key, still running',
      { status: 409, body: { error: { type: 'idempotency_error' } } },
      { outcome: 'unknown' },
    ],
    [
      'a key with other parameters',
      { status: 400, body: { error: { type: 'idempotency_error' } } },
      { outcome: 'unknown' },
    ],
    [
      'a refusal that Stripe wants to be tried again',
      {
        status: 402,
        body: { error: { type: 'card_error', code: 'card_declined' } },
        headers: { 'stripe-should-retry': 'true' },
      },
      { outcome: 'unknown' },
    ],
    [
      'a refusal that it does not',
      {
        status: 402,
        body: { error: { type: 'card_error', code: 'card_declined', decline_code: 'lost_card' } },
        headers: { 'stripe-should-retry': 'false' },
      },
      { outcome: 'declined', code: 'lost_card' },
    ],
    [
      'a bank that says no more than no',
      {
        status: 402,
        body: { error: { type: 'card_error', code: 'card_declined', decline_code: 'generic_decline' } },
      },
      { outcome: 'declined', code: 'card_declined' },
    ],
    [
      'a method that it does not know',
      {
        status: 400,
        body: { error: { type: 'invalid_request_error', code: 'resource_missing', param: 'payment_method' } },
      },
      { outcome: 'declined', code: 'payment_method_unknown' },
    ],
  ])('reads %s', async (_what, answer, outcome) => {
    const { provider } = await answering(answer)
    expect(await provider.authorize(request, 'k')).toMatchObject(outcome)
  })

  it("takes Stripe's word for an authorization that ran out", async () => {
    const body = { error: { type: 'invalid_request_error', code: 'charge_expired_for_capture' } }
    const { provider } = await answering({ status: 400, body })
    expect(await provider.capture('pi_1', 1, 'k')).toEqual({
      outcome: 'declined',
      code: 'authorization_expired',
    })
  })

  it('refuses currencies whose minor units are others at Stripe, and sends nothing', async () => {
    const { server, provider } = await answering({ status: 500, body: {} })
    expect(await provider.authorize({ ...request, currency: 'ISK' }, 'k')).toEqual({
      outcome: 'declined',
      code: 'currency_not_supported',
    })
    expect(server.received).toEqual([])
  })

  it('sends the customer to the bank, where there is a way back', async () => {
    const secure = { ...request, paymentMethod: 'pm_card_authenticationRequired' }
    const { stripe, provider } = await fake()
    expect(await provider.authorize(secure, 'k')).toMatchObject({
      outcome: 'requires_action',
      authorization: { state: 'requires_action', actionUrl: 'https://hooks.stripe.test/pi_1', released: 0 },
    })
    stripe.intents.get('pi_1')!.status = 'requires_capture'
    expect(await provider.find('pi_1')).toMatchObject({ state: 'approved', actionUrl: null })
    const noWay = await fake({ STRIPE_RETURN_URL: '' })
    expect(await noWay.provider.authorize(secure, 'k')).toEqual({
      outcome: 'declined',
      code: 'authentication_required',
    })
  })

  it('does not take the release of the rest for a refund', async () => {
    const { provider } = await fake()
    await provider.authorize(request, 'a')
    await provider.capture('pi_1', 450, 'c')
    await provider.refund('pi_1', { amount: 50 }, 'r')
    expect(await provider.find('pi_1')).toMatchObject({ captured: 450, released: 600, refunded: 50 })
  })

  it('tells disputes, and not inquiries', async () => {
    const { stripe, provider } = await fake()
    await provider.authorize(request, 'a')
    await provider.capture('pi_1', 1_050, 'c')
    stripe.intents.get('pi_1')!.disputes = [
      { id: 'dp_0', amount: 1, status: 'warning_needs_response' },
      { id: 'dp_1', amount: 1_050, status: 'under_review' },
      { id: 'dp_2', amount: 5, status: 'lost' },
    ]
    expect((await provider.find('pi_1'))?.disputes).toEqual([
      { id: 'dp_1', amount: 1_050, status: 'open' },
      { id: 'dp_2', amount: 5, status: 'lost' },
    ])
  })

  it('knows when an authorization ends, and nothing while Stripe knows nothing', async () => {
    const { stripe, provider } = await fake()
    await provider.authorize(request, 'a')
    expect((await provider.find('pi_1'))?.expiresAt).toBe('2033-05-18T03:33:20.000Z')
    stripe.intents.get('pi_1')!.status = 'processing'
    await expect(provider.find('pi_1')).rejects.toThrow('is being processed')
  })

  it('says which of its variables are missing or wrong', async () => {
    await expect(loadProvider('stripe', {}, context)).rejects.toThrow(
      /STRIPE_API_KEY[^]*STRIPE_WEBHOOK_SECRET/,
    )
    expect(() => createProvider(environment('x', { STRIPE_API_KEY: 'pk_test_1' }), context)).toThrow(
      'STRIPE_API_KEY',
    )
  })
})

describe("Stripe's webhooks", () => {
  const provider = createProvider(environment('http://127.0.0.1:9'), context)
  const read = (body: Buffer, header = `t=${now()},v1=${sign(body, now())}`) =>
    provider.verifyWebhook(body, { 'stripe-signature': header })

  it('say what they are about, by our reference or by the PaymentIntent', () => {
    expect(read(raw)).toEqual({ id: 'evt_1', reference: 'r', authorizationId: 'pi_1' })
    expect(read(event({ object: 'dispute', id: 'dp_1', payment_intent: 'pi_1', metadata: {} }))).toEqual({
      id: 'evt_1',
      authorizationId: 'pi_1',
    })
    expect(read(event({ object: 'customer', id: 'cus_1' }))).toEqual({ id: 'evt_1' })
  })

  it('may carry several signatures while a secret is being changed', () => {
    const at = now()
    const old = sign(raw, at, 'whsec_the_old_one')
    expect(read(raw, `t=${at},v1=${old},v1=${sign(raw, at)},v0=abc`)).toBeDefined()
    expect(read(raw, `t=${at},v1=${old}`)).toBeUndefined()
    expect(read(raw, `t=${at},v0=${sign(raw, at)}`)).toBeUndefined()
  })

  it('hold for five minutes either way, for exactly these bytes', () => {
    for (const [offset, good] of [
      [-295, true],
      [-305, false],
      [305, false],
    ] as const) {
      const at = now() + offset
      expect(read(raw, `t=${at},v1=${sign(raw, at)}`) !== undefined).toBe(good)
    }
    const at = now()
    expect(read(Buffer.concat([raw, Buffer.from(' ')]), `t=${at},v1=${sign(raw, at)}`)).toBeUndefined()
  })

  it.each(['', 't=1', 'v1=00', `t=x,v1=${'0'.repeat(64)}`])('are refused with the header %j', (header) => {
    expect(read(raw, header)).toBeUndefined()
  })

  it.each(['not json', '{}', '{"id":"e","data":{}}'])('are refused with the signed body %j', (text) => {
    expect(read(Buffer.from(text))).toBeUndefined()
  })
})

describe('toForm', () => {
  it('encodes nested parameters and leaves out what is undefined', () => {
    const id = randomUUID()
    expect(
      [...toForm({ a: 1, b: { c: id, d: { e: true } }, f: ['x', 'y'], g: undefined, h: '&=' })].map((each) =>
        each.join('='),
      ),
    ).toEqual(['a=1', `b[c]=${id}`, 'b[d][e]=true', 'f[0]=x', 'f[1]=y', 'h=&='])
  })
})
