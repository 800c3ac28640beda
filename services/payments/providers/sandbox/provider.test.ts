import { createHmac } from 'node:crypto'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createLogger } from '#platform/logger.ts'
import { startSandboxProvider } from '#tests/support/sandbox-provider.ts'
import { describeProvider } from '../conformance.ts'
import { loadProvider } from '../load.ts'
import { createProvider, createSandbox, type SandboxOptions } from './provider.ts'

const SECRET = 'a secret for webhook signatures'
const vitest = { describe, it, expect, beforeAll, afterAll }

const options = (overrides: Partial<SandboxOptions> = {}): SandboxOptions => ({
  url: 'http://127.0.0.1:9',
  apiKey: 'key',
  webhookSecret: SECRET,
  timeoutMs: 2_000,
  multicapture: true,
  keyLifetimeHours: 24,
  logger: createLogger({ service: 'payments', level: 'silent' }),
  ...overrides,
})

const EVENT = Buffer.from(
  JSON.stringify({ id: 'evt_1', type: 'authorization.authorized', data: { reference: 'r' } }),
)

function signed(body: Buffer, at = Math.floor(Date.now() / 1000), secret = SECRET) {
  const signature = createHmac('sha256', secret).update(`${at}.`).update(body).digest('hex')
  return { 'provider-signature': `t=${at},v1=${signature}` }
}

for (const multicapture of [true, false]) {
  describeProvider(vitest, `sandbox, multicapture ${multicapture}`, async () => {
    const sandbox = await startSandboxProvider({ PROVIDER_MULTICAPTURE: String(multicapture) })
    return {
      provider: createSandbox(options({ url: sandbox.url, apiKey: sandbox.apiKey, multicapture })),
      methods: {
        approved: 'pm_card_visa',
        declined: 'pm_card_visa_chargeDeclinedInsufficientFunds',
        declineCode: 'insufficient_funds',
        secure: 'pm_card_authenticationRequired',
      },
      async authenticate({ actionUrl }, approved) {
        await fetch(`${actionUrl}/${approved ? 'approve' : 'decline'}`, { method: 'POST' })
      },
      webhook: () => ({ raw: EVENT, headers: signed(EVENT) }),
      stop: sandbox.stop,
    }
  })
}

const request = { amount: 100, currency: 'EUR', paymentMethod: 'pm_card_visa', reference: 'r', customer: 'c' }

describe('the sandbox adapter', () => {
  const servers: ReturnType<typeof createServer>[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) server.close().closeAllConnections()
  })

  async function answering(listener: RequestListener, overrides: Partial<SandboxOptions> = {}) {
    const server = createServer(listener)
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return createSandbox(options({ url: `http://127.0.0.1:${port}`, ...overrides }))
  }

  const withStatus = (status: number, body: unknown) =>
    answering((_request, response) => response.writeHead(status).end(JSON.stringify(body)))

  /** Nobody listens there any more. */
  async function absent() {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => server.close(resolve))
    return createSandbox(options({ url: `http://127.0.0.1:${port}` }))
  }

  it('knows that a refused connection sent nothing', async () => {
    expect(await (await absent()).authorize(request, 'k')).toMatchObject({ outcome: 'not_sent' })
  })

  it.each([401, 403, 429])('knows that %i was turned away at the door', async (status) => {
    expect(await (await withStatus(status, {})).authorize(request, 'k')).toMatchObject({
      outcome: 'not_sent',
    })
  })

  it.each([
    ['a server error', 500, {}],
    ['an answer that is no authorization', 201, { id: 'x' }],
    ['a status that it does not know', 201, { status: 'odd' }],
    ['a key in use', 409, { code: 'idempotency_key_in_use' }],
    ['a key with other parameters', 400, { code: 'idempotency_key_mismatch' }],
    ['a path that does not exist', 404, { code: 'not_found' }],
  ])('does not know the outcome after %s', async (_what, status, body) => {
    expect(await (await withStatus(status, body)).authorize(request, 'k')).toMatchObject({
      outcome: 'unknown',
    })
  })

  it('does not know the outcome after a timeout or a cut connection', async () => {
    const silent = await answering(() => {}, { timeoutMs: 100 })
    expect(await silent.authorize(request, 'k')).toMatchObject({ outcome: 'unknown' })
    const cut = await answering((incoming) => incoming.socket.destroy())
    expect(await cut.authorize(request, 'k')).toMatchObject({ outcome: 'unknown' })
  })

  it('throws when the provider cannot be read, which is not the same as absent', async () => {
    await expect((await absent()).find('auth_1')).rejects.toThrow('cannot be reached')
    await expect((await withStatus(401, {})).findByReference('r')).rejects.toThrow('401')
  })

  it('sends the key, the reference and the API key', async () => {
    let seen: unknown
    const provider = await answering((incoming, response) => {
      seen = [incoming.url, incoming.headers['idempotency-key'], incoming.headers.authorization]
      response.writeHead(500).end()
    })
    await provider.capture('a/b', 100, 'order:capture:1')
    expect(seen).toEqual(['/v1/authorizations/a%2Fb/captures', 'order:capture:1', 'Bearer key'])
  })
})

describe('the sandbox webhook signature', () => {
  const provider = createSandbox(options())
  it('is over the time and the raw body', () => {
    expect(provider.verifyWebhook(EVENT, signed(EVENT))).toEqual({ id: 'evt_1', reference: 'r' })
    expect(provider.verifyWebhook(Buffer.from(`${EVENT.toString()} `), signed(EVENT))).toBeUndefined()
    expect(provider.verifyWebhook(EVENT, signed(EVENT, undefined, 'another secret'))).toBeUndefined()
  })

  it('holds for five minutes either way', () => {
    const now = Math.floor(Date.now() / 1000)
    expect(provider.verifyWebhook(EVENT, signed(EVENT, now - 295))).toBeDefined()
    expect(provider.verifyWebhook(EVENT, signed(EVENT, now - 305))).toBeUndefined()
    expect(provider.verifyWebhook(EVENT, signed(EVENT, now + 305))).toBeUndefined()
  })

  it.each(['', 'v1=00', 't=1,v1=zz', `t=x,v1=${'0'.repeat(64)}`])('refuses the header %j', (header) => {
    expect(provider.verifyWebhook(EVENT, { 'provider-signature': header })).toBeUndefined()
  })

  it.each(['not json', '{}', '{"id":"e","data":{}}'])('refuses the signed body %j', (text) => {
    const body = Buffer.from(text)
    expect(provider.verifyWebhook(body, signed(body))).toBeUndefined()
  })
})

describe('loadProvider', () => {
  const context = { timeoutMs: 100, logger: createLogger({ service: 'payments', level: 'silent' }) }
  const environment = {
    PROVIDER_URL: 'http://127.0.0.1:9',
    PROVIDER_API_KEY: 'key',
    PROVIDER_WEBHOOK_SECRET: SECRET,
  }

  it('loads a provider by the name of its folder, with its own variables', async () => {
    const provider = await loadProvider('sandbox', environment, context)
    expect([provider.name, provider.capabilities]).toEqual([
      'sandbox',
      { multicapture: true, keyLifetimeHours: 24, lookupByReference: true },
    ])
    const single = { ...environment, PROVIDER_MULTICAPTURE: 'false' }
    expect(createProvider(single, context).capabilities.multicapture).toBe(false)
  })

  it('says what is missing', async () => {
    await expect(loadProvider('nobody', environment, context)).rejects.toThrow(
      'The payment provider nobody cannot be loaded',
    )
    await expect(loadProvider('sandbox', {}, context)).rejects.toThrow('PROVIDER_WEBHOOK_SECRET')
  })
})
