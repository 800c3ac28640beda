/** Every request of the adapter's against Stripe's published OpenAPI. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLogger } from '#platform/logger.ts'
import type { PaymentProvider } from '../provider.ts'
import { toForm } from './form.ts'
import { createProvider } from './provider.ts'
import { startServer, type Received } from './test-support/http-server.ts'
import { findStripeMock, startStripeMock } from './test-support/stripe-mock.ts'

const found = await findStripeMock()

const missing = 'missing' in found ? ` (skipped: ${found.missing})` : ''
const binary = 'binary' in found ? found.binary : ''

describe.skipIf(missing !== '')(`Stripe's OpenAPI${missing}`, () => {
  let mock: Awaited<ReturnType<typeof startStripeMock>>
  let between: Awaited<ReturnType<typeof startServer>>

  beforeAll(async () => {
    mock = await startStripeMock(binary)
    between = await startServer(forward)
  })
  afterAll(async () => {
    await between.stop()
    await mock.stop()
  })

  async function forward({ method, path, headers, body }: Received) {
    const passed = ['authorization', 'content-type', 'idempotency-key', 'stripe-version'] as const
    const response = await fetch(`${mock.url}${path}`, {
      method,
      headers: Object.fromEntries(
        passed.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]])),
      ),
      ...(method === 'GET' ? {} : { body }),
    })
    return { status: response.status, body: await response.json() }
  }

  /** What the adapter sent, with what came back. */
  async function sent(multicapture: boolean, work: (provider: PaymentProvider) => Promise<unknown>) {
    between.received.length = 0
    const provider = createProvider(
      {
        STRIPE_API_KEY: 'sk_test_123',
        STRIPE_WEBHOOK_SECRET: 'whsec_0123456789abcdef',
        STRIPE_RETURN_URL: 'https://shop.test/back',
        STRIPE_MULTICAPTURE: String(multicapture),
        STRIPE_API_URL: between.url,
      },
      { timeoutMs: 10_000, logger: createLogger({ service: 'payments', level: 'silent' }) },
    )
    await work(provider)
    return between.received.map(({ method, path, status }) => `${method} ${path.split('?', 1)[0]} ${status}`)
  }

  const request = {
    amount: 1_000,
    currency: 'EUR',
    paymentMethod: 'pm_card_visa',
    reference: 'order:authorize:1',
    customer: 'customer',
  }

  it.each([true, false])('takes every request (multicapture %s)', async (multicapture) => {
    const at = (work: (provider: PaymentProvider) => Promise<unknown>) => sent(multicapture, work)
    expect(await at((provider) => provider.authorize(request, 'a'))).toContain('POST /v1/payment_intents 200')
    expect(await at((provider) => provider.capture('pi_1', 500, 'c'))).toContain(
      'POST /v1/payment_intents/pi_1/capture 200',
    )
    expect(await at((provider) => provider.void('pi_1', 'v'))).toContain(
      'POST /v1/payment_intents/pi_1/cancel 200',
    )
    expect(await at((provider) => provider.refund('pi_1', { amount: 500 }, 'r'))).toContain(
      'POST /v1/refunds 200',
    )
    expect(await at((provider) => provider.find('pi_1'))).toContain('GET /v1/payment_intents/pi_1 200')
  })

  it('understands what is answered', async () => {
    expect(await sent(false, (provider) => provider.find('pi_1'))).not.toContain('GET 400')
    await sent(false, async (provider) =>
      expect(await provider.find('pi_1')).toMatchObject({ id: 'pi_1', disputes: [] }),
    )
  })

  it.each(['refunds', 'disputes'])('lists %s of a PaymentIntent', async (list) => {
    const query = toForm({ payment_intent: 'pi_1', limit: 100 })
    const answer = await fetch(`${mock.url}/v1/${list}?${query.toString()}`, {
      headers: { authorization: 'Bearer sk_test_123' },
    })
    expect(answer.status).toBe(200)
  })

  it('would refuse a parameter that there is not', async () => {
    const answer = await fetch(`${mock.url}/v1/payment_intents`, {
      method: 'POST',
      headers: { authorization: 'Bearer sk_test_123' },
      body: new URLSearchParams({ amount: '1', currency: 'eur', odd: 'x' }),
    })
    expect(answer.status).toBe(400)
  })
})
