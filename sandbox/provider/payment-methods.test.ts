import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { authorizationCalls, startTestProvider, type TestProvider } from './test-provider.ts'

let provider: TestProvider
beforeEach(async () => {
  provider = await startTestProvider({ PROVIDER_HANG_MS: '400', PROVIDER_SLOW_MS: '200' })
})
afterEach(() => provider.end())

const { authorize, capture, voidIt, refund, read, ledger, expectRefused } = authorizationCalls(
  () => provider,
  expect,
)

describe('payment methods', () => {
  it.each([
    ['pm_card_visa', 'visa', '4242'],
    ['pm_card_mastercard', 'mastercard', '4444'],
  ])('%s is authorized', async (paymentMethod, brand, last4) => {
    const { status, body } = await authorize({ paymentMethod, customer: 'customer-7' })
    expect(status).toBe(201)
    expect(body).toEqual({
      id: expect.stringMatching(/^auth_/),
      status: 'authorized',
      amount: 10_000,
      captured: 0,
      refunded: 0,
      released: 0,
      currency: 'EUR',
      reference: 'order-1:authorize:1',
      customer: 'customer-7',
      method: { brand, last4 },
      createdAt: expect.any(String),
      expiresAt: new Date(Date.parse(body['createdAt']) + 168 * 3_600_000).toISOString(),
    })
    expect(await read(body['id'])).toEqual(body)
  })

  it.each([
    ['pm_card_visa_chargeDeclined', 'card_declined'],
    ['pm_card_visa_chargeDeclinedInsufficientFunds', 'insufficient_funds'],
  ])('%s is declined with 402', async (paymentMethod, declineCode) => {
    const { status, body } = await authorize({ paymentMethod })
    expect(status).toBe(402)
    expect(body).toMatchObject({ status: 'declined', declineCode, amount: 10_000, captured: 0, released: 0 })
    await expectRefused(body['id'], () => capture(body['id'], { amount: 1 }), 409, 'authorization_declined')
    await expectRefused(body['id'], () => voidIt(body['id']), 409, 'authorization_declined')
    await expectRefused(body['id'], () => refund(body['id'], { amount: 1 }), 409, 'authorization_declined')
  })

  it('one that is not known is 422 and leaves nothing', async () => {
    const answer = await authorize({ paymentMethod: 'pm_card_unknown' }, 'k')
    expect(answer).toMatchObject({ status: 422, body: { code: 'payment_method_unknown' } })
    expect(await ledger()).toEqual([])
    expect(await authorize({}, 'k')).toMatchObject({ status: 201, replayed: false })
  })

  it('can be read', async () => {
    const { api } = provider
    expect(await api().get('/v1/payment-methods/pm_card_mastercard')).toMatchObject({
      status: 200,
      body: { id: 'pm_card_mastercard', brand: 'mastercard', last4: '4444' },
    })
    expect((await api().get('/v1/payment-methods/pm_other')).status).toBe(404)
  })
})

describe('faults', () => {
  it('timeout_after_charge charges and does not answer; the same key and a lookup do', async () => {
    const first = authorize({ paymentMethod: 'pm_sandbox_timeout_after_charge' }, 'k')
    const answered = vi.fn<() => void>()
    void first.then(answered)
    await vi.waitFor(async () => expect(await ledger()).toHaveLength(1), 40_000)
    const found = await provider.api().get('/v1/authorizations?reference=order-1:authorize:1')
    expect(found.body['data']).toMatchObject([{ status: 'authorized' }])
    const second = await authorize({ paymentMethod: 'pm_sandbox_timeout_after_charge' }, 'k')
    expect(second).toMatchObject({ status: 201, replayed: true, body: { status: 'authorized' } })
    expect(answered).not.toHaveBeenCalled()
    expect((await first).body).toEqual(second.body)
    expect(await ledger()).toHaveLength(1)
  })

  it('stopping does not wait for a call that hangs', async () => {
    await provider.restart({ PROVIDER_HANG_MS: '60000' })
    const first = authorize({ paymentMethod: 'pm_sandbox_timeout_after_charge' }, 'k')
    await vi.waitFor(async () => expect(await ledger()).toHaveLength(1), 40_000)
    const before = Date.now()
    await provider.restart()
    expect(Date.now() - before).toBeLessThan(30_000)
    expect((await first).status).toBe(503)
    expect(await authorize({ paymentMethod: 'pm_sandbox_timeout_after_charge' }, 'k')).toMatchObject({
      status: 201,
      replayed: true,
    })
  })

  it('error_after_charge answers 500, repeats it for the key, and has charged', async () => {
    const paymentMethod = 'pm_sandbox_error_after_charge'
    const first = await authorize({ paymentMethod }, 'k')
    expect(first).toMatchObject({ status: 500, replayed: false, body: { code: 'provider_error' } })
    expect(await authorize({ paymentMethod }, 'k')).toEqual({ ...first, replayed: true })
    const found = await provider.api().get('/v1/authorizations?reference=order-1:authorize:1')
    expect(found.body['data']).toMatchObject([{ status: 'authorized', amount: 10_000 }])
    expect(await ledger()).toHaveLength(1)
  })

  it('error_then_ok fails twice before it is executed, also across a restart, then works with the same key', async () => {
    const paymentMethod = 'pm_sandbox_error_then_ok'
    expect(await authorize({ paymentMethod }, 'k')).toMatchObject({ status: 500, replayed: false })
    await provider.restart()
    expect(await authorize({ paymentMethod }, 'k')).toMatchObject({ status: 500, replayed: false })
    const lookup = () => provider.api().get('/v1/authorizations?reference=order-1:authorize:1')
    expect((await lookup()).body['data']).toEqual([])
    expect(await authorize({ paymentMethod }, 'k')).toMatchObject({ status: 201, replayed: false })
    expect(await authorize({ paymentMethod }, 'k')).toMatchObject({ status: 201, replayed: true })
    expect((await lookup()).body['data']).toHaveLength(1)
    expect((await ledger()).map(({ type }) => type)).toEqual(['failure', 'failure', 'authorization'])
  })

  it('slow answers later; its key is in use meanwhile', async () => {
    await provider.restart({ PROVIDER_SLOW_MS: '3000' })
    const started = Date.now()
    const first = authorize({ paymentMethod: 'pm_sandbox_slow' }, 'k')
    await vi.waitFor(async () => {
      const rival = await authorize({ paymentMethod: 'pm_sandbox_slow' }, 'k')
      expect(rival).toMatchObject({ status: 409, body: { code: 'idempotency_key_in_use' } })
    }, 40_000)
    expect(await authorize({ amount: 1 }, 'k')).toMatchObject({
      status: 400,
      body: { code: 'idempotency_key_mismatch' },
    })
    expect((await first).status).toBe(201)
    expect(Date.now() - started).toBeGreaterThanOrEqual(2_995)
    expect(await ledger()).toHaveLength(1)
  })

  it('capture_fails refuses captures until the faults are cleared; new ones fail again', async () => {
    const { body } = await authorize({ paymentMethod: 'pm_sandbox_capture_fails' })
    const id = body['id']
    await expectRefused(id, () => capture(id, { amount: 100 }, 'k'), 402, 'capture_failed')
    await provider.api().post('/faults/clear')
    await provider.restart()
    expect(await capture(id, { amount: 100 }, 'k')).toMatchObject({ status: 402, replayed: true })
    expect(await capture(id, { amount: 100 })).toMatchObject({ status: 201, body: { captured: 100 } })
    const next = await authorize({ paymentMethod: 'pm_sandbox_capture_fails' })
    expect((await capture(next.body['id'], { amount: 100 })).status).toBe(402)
  })

  it('void_fails answers 500 and voids nothing until the faults are cleared, then the same key works', async () => {
    const { body } = await authorize({ paymentMethod: 'pm_sandbox_void_fails' })
    const id = body['id']
    await expectRefused(id, () => voidIt(id, 'k'), 500, 'provider_error')
    await expectRefused(id, () => voidIt(id, 'k'), 500, 'provider_error')
    await provider.api().post('/faults/clear')
    expect(await voidIt(id, 'k')).toMatchObject({ status: 201, replayed: false, body: { status: 'voided' } })
  })

  it('the whole provider can be taken away and made slow; the ledger stays readable', async () => {
    const { api } = provider
    const { body } = await authorize()
    expect((await api().post('/faults', { mode: 'down' })).status).toBe(200)
    expect(await authorize({}, 'k')).toMatchObject({ status: 503, body: { code: 'taken_down' } })
    expect((await api().get(`/v1/authorizations/${body['id']}`)).status).toBe(503)
    expect(await ledger()).toHaveLength(1)
    await api().post('/faults', { mode: 'slow' })
    const started = Date.now()
    expect((await authorize({}, 'k')).status).toBe(201)
    expect(Date.now() - started).toBeGreaterThanOrEqual(195)
    await api().post('/faults', { mode: 'none' })
    expect((await api().get(`/v1/authorizations/${body['id']}`)).status).toBe(200)
    expect((await api().post('/faults', { mode: 'gone' })).status).toBe(400)
  })
})
