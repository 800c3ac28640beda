import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { API_KEY, until } from '../shared/test-support.ts'
import { ADDRESS, booking, createTestCarriers, type TestCarriers } from './test-carrier.ts'

let carriers: TestCarriers
beforeEach(() => {
  carriers = createTestCarriers()
})
afterEach(() => carriers.end())

const start: TestCarriers['start'] = (environment) => carriers.start(environment)
const statuses = (body: { history?: { status: string }[] }) => body.history?.map(({ status }) => status)

describe('a booking', () => {
  it('is made once per key and found by its reference', async () => {
    const { book, get } = await start()
    const first = await book({}, 'k')
    expect(first).toMatchObject({ status: 201, replayed: false })
    expect(first.body).toEqual({
      id: expect.stringMatching(/^book_/),
      reference: 'shipment-1',
      trackingNumber: expect.stringMatching(/^SBX\d{12}$/),
      status: 'booked',
      history: [{ status: 'booked', at: expect.any(String) }],
    })
    expect(await book({}, 'k')).toEqual({ ...first, replayed: true })
    expect((await get('/v1/bookings?reference=shipment-1')).body).toEqual({ data: [first.body] })
    expect((await get('/v1/bookings?reference=other')).body).toEqual({ data: [] })
    expect((await get(`/v1/bookings/${first.body['id']}`)).body).toEqual(first.body)
    expect((await get('/v1/bookings/book_none')).status).toBe(404)
  })

  it('fifty times at once with one key is one booking', async () => {
    const { book, get } = await start()
    const answers = await Promise.all(Array.from({ length: 50 }, () => book({}, 'k')))
    expect(new Set(answers.map(({ body }) => body['id'])).size).toBe(1)
    expect((await get('/v1/bookings?reference=shipment-1')).body['data']).toHaveLength(1)
  })

  it('with a known key and another address is refused', async () => {
    const { book, get } = await start()
    await book({}, 'k')
    const other = { address: { ...ADDRESS, line1: 'Trubarjeva 8' } }
    expect(await book(other, 'k')).toMatchObject({ status: 400, body: { code: 'idempotency_key_mismatch' } })
    expect((await get('/ledger')).body['data']).toHaveLength(1)
  })

  it('needs the key of the API, an idempotency key and a valid body', async () => {
    const { book, send, get } = await start()
    const body = JSON.stringify(booking())
    const json = { 'content-type': 'application/json' }
    expect((await send('POST', '/v1/bookings', { ...json, 'idempotency-key': 'k' }, body)).status).toBe(401)
    const known = { ...json, authorization: `Bearer ${API_KEY}` }
    expect(await send('POST', '/v1/bookings', known, body)).toMatchObject({
      status: 400,
      body: { code: 'idempotency_key_missing' },
    })
    for (const changed of [
      { lines: [] },
      { lines: [{ sku: 'TEE-BLACK-M', quantity: 0 }] },
      { insurance: true },
      { address: { ...ADDRESS, email: 'ana@example.test' } },
      { reference: '' },
    ]) {
      expect((await book(changed)).status).toBe(400)
    }
    expect((await get('/ledger')).body['data']).toEqual([])
  })

  it('leaves of its address nothing but the country in the ledger and the logs', async () => {
    const { book, get } = await start()
    await book()
    await book({ address: { ...ADDRESS, city: 5 } })
    const kept = readFileSync(carriers.ledger, 'utf8')
    expect((await get('/ledger')).body['data']).toMatchObject([
      { type: 'booking', country: 'SI', warehouse: 'LJU' },
    ])
    expect(carriers.logged.length).toBeGreaterThan(0)
    for (const secret of [ADDRESS.name, ADDRESS.line1, ADDRESS.city]) {
      expect(kept).not.toContain(secret)
      expect(carriers.logged.join('')).not.toContain(secret)
    }
  })
})

describe('by hand', () => {
  it('a parcel moves only where it can go', async () => {
    const { book, advance, read } = await start()
    const { id } = (await book()).body
    for (const [move, expected] of [
      ['deliver', 409],
      ['lose', 409],
      ['dispatch', 200],
      ['dispatch', 409],
      ['lose', 200],
      ['deliver', 409],
      ['dispatch', 409],
    ] as const) {
      const before = await read(id)
      const answer = await advance(id, move)
      expect([move, answer.status]).toEqual([move, expected])
      if (expected !== 200) expect(await read(id)).toEqual(before)
      if (expected === 409) expect(answer.body['code']).toBe('booking_transition_refused')
    }
    expect(statuses(await read(id))).toEqual(['booked', 'dispatched', 'lost'])
  })

  it('a parcel that nobody knows is not found, and there are no other moves', async () => {
    const { book, post } = await start()
    const { trackingNumber } = (await book()).body
    expect((await post('/parcels/SBX0/dispatch')).status).toBe(404)
    expect((await post(`/parcels/${trackingNumber}/cancel`)).status).toBe(404)
    expect((await post(`/parcels/${trackingNumber}/dispatch`, { at: 'noon' })).status).toBe(400)
  })

  it('a parcel whose address asks for it moves, whatever the others do, after a restart too', async () => {
    const quick = { CARRIER_DISPATCH_MS: '50', CARRIER_DELIVERY_MS: 'manual' }
    const first = await start(quick)
    const byHand = { address: { ...ADDRESS, line2: 'SANDBOX: BY HAND' } }
    const { id } = (await first.book(byHand)).body
    const other = (await first.book()).body['id']
    await until(async () => (await first.read(other))['status'] === 'dispatched')
    expect((await first.read(id))['status']).toBe('booked')
    await first.stop()
    const second = await start(quick)
    const last = (await second.book()).body['id']
    await until(async () => (await second.read(last))['status'] === 'dispatched')
    expect((await second.read(id))['status']).toBe('booked')
    expect((await second.advance(id, 'dispatch')).status).toBe(200)
    expect(statuses(await second.read(id))).toEqual(['booked', 'dispatched'])
  })

  it('a booking is cancelled before it leaves, again without effect, and not after', async () => {
    const { book, advance, cancel, read } = await start()
    const { id } = (await book()).body
    const cancelled = await cancel(id)
    expect(cancelled).toMatchObject({ status: 200, body: { status: 'cancelled' } })
    expect((await cancel(id)).body).toEqual(cancelled.body)
    expect((await advance(id, 'dispatch')).status).toBe(409)

    const gone = (await book()).body['id']
    await advance(gone, 'dispatch')
    expect(await cancel(gone)).toMatchObject({ status: 409, body: { code: 'booking_dispatched' } })
    await advance(gone, 'deliver')
    expect((await cancel(gone)).status).toBe(409)
    expect(statuses(await read(gone))).toEqual(['booked', 'dispatched', 'delivered'])
  })

  it('cancel and dispatch at once: one of them wins', async () => {
    const { book, post, cancel, read } = await start()
    for (let round = 0; round < 10; round += 1) {
      const { id, trackingNumber } = (await book()).body
      const dispatch = () => post(`/parcels/${trackingNumber}/dispatch`)
      const [first, second] = await Promise.all(
        round % 2 === 0 ? [cancel(id), dispatch()] : [dispatch(), cancel(id)],
      )
      expect(new Set([first.status, second.status])).toEqual(new Set([200, 409]))
      expect((await read(id))['history']).toHaveLength(2)
    }
  })
})

describe('by itself', () => {
  it('a parcel is dispatched and delivered', async () => {
    const { book, read } = await start({ CARRIER_DISPATCH_MS: '100', CARRIER_DELIVERY_MS: '150' })
    const { id } = (await book()).body
    await until(async () => (await read(id))['status'] === 'delivered')
    const { history } = await read(id)
    expect(statuses({ history })).toEqual(['booked', 'dispatched', 'delivered'])
    const [booked, dispatched, delivered] = history.map(({ at }: { at: string }) => Date.parse(at))
    expect(dispatched - booked).toBeGreaterThanOrEqual(95)
    expect(delivered - dispatched).toBeGreaterThanOrEqual(145)
  })

  it('a parcel that is cancelled stays, and one that was moved by hand is not moved twice', async () => {
    const { book, cancel, advance, read } = await start({
      CARRIER_DISPATCH_MS: '150',
      CARRIER_DELIVERY_MS: 'manual',
    })
    const cancelled = (await book()).body['id']
    await cancel(cancelled)
    const moved = (await book()).body['id']
    await advance(moved, 'dispatch')
    const last = (await book()).body['id']
    await until(async () => (await read(last))['status'] === 'dispatched')
    expect(statuses(await read(cancelled))).toEqual(['booked', 'cancelled'])
    expect(statuses(await read(moved))).toEqual(['booked', 'dispatched'])
  })

  it('goes on after a restart, counted from the last movement', async () => {
    const first = await start({ CARRIER_DISPATCH_MS: '3600000', CARRIER_DELIVERY_MS: 'manual' })
    const { id, history } = (await first.book({}, 'k')).body
    await first.stop()
    // of its hour all but three seconds have passed; counted anew it would not come in this test
    vi.useFakeTimers({ toFake: ['Date'], now: Date.parse(history[0].at) + 3_597_000 })
    carriers.atEnd(async () => void vi.useRealTimers())
    const restarted = performance.now()
    const second = await start({ CARRIER_DISPATCH_MS: '3600000', CARRIER_DELIVERY_MS: '0' })
    expect(await second.book({}, 'k')).toMatchObject({ status: 201, replayed: true, body: { id } })
    await until(async () => (await second.read(id))['status'] === 'delivered')
    expect(performance.now() - restarted).toBeGreaterThanOrEqual(2_990) // timers may be early by a millisecond or so
  })

  it('what was due while it was away happens at once', async () => {
    const first = await start()
    const { id } = (await first.book()).body
    await first.stop()
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
    carriers.atEnd(async () => void vi.useRealTimers())
    const second = await start({ CARRIER_DISPATCH_MS: '60000', CARRIER_DELIVERY_MS: '60000' })
    await vi.waitFor(async () => expect((await second.read(id))['status']).toBe('dispatched'), 40_000)
  })
})

describe('faults', () => {
  it('take the carrier away and bring it back', async () => {
    const { book, post, get } = await start()
    await post('/faults', { mode: 'down' })
    expect((await book({}, 'k')).status).toBe(503)
    expect((await get('/ledger')).body['data']).toEqual([])
    await post('/faults/clear')
    expect(await book({}, 'k')).toMatchObject({ status: 201, replayed: false })
  })
})
