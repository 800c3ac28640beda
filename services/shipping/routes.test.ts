import { createHmac, randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ProblemError } from '#platform/problem.ts'
import { as, testServer } from '#tests/support/http.ts'
import { newShipment, testShipping, WEBHOOK_SECRET } from '#tests/support/shipping.ts'
import { createBookShipment } from './book-shipment.ts'
import { createCancelShipment } from './cancel-shipment.ts'
import { createFindShipments } from './find-shipments.ts'
import { createReceiveWebhook } from './receive-webhook.ts'
import { createRecordParcel } from './record-parcel.ts'
import type { ReportParcel } from './report-parcel.ts'
import { addShippingRoutes } from './routes.ts'
import { createScanShipment } from './scan-shipment.ts'

const { database, transact, carrier, history } = await testShipping()
const bookShipment = createBookShipment({ transact, carrier, onUnsettled: () => {} })
const cancelShipment = createCancelShipment({ transact, carrier })
const recordParcel = createRecordParcel({ transact })
const reportParcel = vi.fn<ReportParcel>()
const onStored = vi.fn<() => void>()
const findShipments = createFindShipments(database)
const app = await testServer((server, verifyCaller) =>
  addShippingRoutes(server, verifyCaller, {
    database,
    findShipments,
    scanShipment: createScanShipment({ findShipments, reportParcel }),
    receiveWebhook: createReceiveWebhook({ database, carrier, onStored }),
  }),
)

beforeEach(() => {
  reportParcel.mockReset()
  reportParcel.mockImplementation(async (report) =>
    (await recordParcel(report)) === 'recorded'
      ? { outcome: 'recorded' }
      : { outcome: 'refused', detail: 'The parcel is elsewhere.' },
  )
  onStored.mockClear()
})

const courier = as('courier', randomUUID())

async function booked() {
  const shipment = newShipment()
  await bookShipment(shipment)
  return shipment
}

const get = (url: string, headers = courier) => app.inject({ method: 'GET', url: `/api/v1/${url}`, headers })

const scan = (id: string, body: object, headers = courier) =>
  app.inject({ method: 'POST', url: `/api/v1/shipments/${id}/scans`, headers, payload: body })

describe('GET /shipments/:id', () => {
  it('shows the parcel and where it has been, without its address', async () => {
    const shipment = await booked()
    const answer = await get(`shipments/${shipment.shipmentId}`)
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toEqual({
      id: shipment.shipmentId,
      orderId: shipment.orderId,
      warehouse: 'AMS',
      status: 'booked',
      lines: shipment.lines,
      carrier: 'sandbox',
      trackingNumber: (await carrier.findByReference(shipment.shipmentId))!.trackingNumber,
      history: [
        { status: 'pending', at: expect.any(String) },
        { status: 'booked', at: expect.any(String) },
      ],
    })
  })

  it('says which lost parcel it replaces, whoever repeats the booking', async () => {
    const lost = await booked()
    const replacement = { ...newShipment(), orderId: lost.orderId, replaces: lost.shipmentId }
    await bookShipment(replacement)
    await bookShipment(replacement)
    expect((await get(`shipments/${replacement.shipmentId}`)).json()).toMatchObject({
      id: replacement.shipmentId,
      replaces: lost.shipmentId,
      status: 'booked',
    })
    expect((await get(`shipments/${lost.shipmentId}`)).json()).not.toHaveProperty('replaces')
  })

  it('is there for its customer and those who handle parcels, and for nobody else', async () => {
    const { shipmentId, customerId } = await booked()
    const statusFor = async (headers: { authorization: string }) =>
      (await get(`shipments/${shipmentId}`, headers)).statusCode
    expect(await statusFor(as('customer', customerId))).toBe(200)
    expect(await statusFor(as('customer', randomUUID()))).toBe(404)
    expect(await statusFor(as('operator', randomUUID()))).toBe(200)
    expect(await statusFor(as('admin', randomUUID()))).toBe(200)
  })

  it('does not show what was cancelled before it was there', async () => {
    const shipment = newShipment()
    await cancelShipment(shipment)
    expect((await get(`shipments/${shipment.shipmentId}`)).statusCode).toBe(404)
  })
})

describe('GET /shipments', () => {
  it('goes through the parcels of a status once, newest first, page by page', async () => {
    const parcels = []
    for (let index = 0; index < 5; index += 1) parcels.push(await booked())
    for (const { shipmentId } of parcels) {
      await recordParcel({
        shipmentId,
        status: 'dispatched',
        at: new Date().toISOString(),
        source: 'courier',
      })
    }
    const sameTime = new Date()
    await database.shipment.updateMany({
      where: { id: { in: parcels.slice(1, 4).map(({ shipmentId }) => shipmentId) } },
      data: { createdAt: sameTime },
    })
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const url: string = `shipments?status=dispatched&limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`
      const page = (await get(url)).json<{ data: { id: string }[]; nextCursor: string | null }>()
      seen.push(...page.data.map(({ id }) => id))
      cursor = page.nextCursor
    }
    expect(seen).toHaveLength(5)
    expect(new Set(seen)).toEqual(new Set(parcels.map(({ shipmentId }) => shipmentId)))
    expect((await get('shipments', as('customer', randomUUID()))).statusCode).toBe(403)
    expect((await get('shipments?cursor=nonsense')).json().code).toBe('invalid_cursor')
  })
})

describe('POST /shipments/:id/scans', () => {
  it.each([
    ['ahead', 3_600_000],
    ['long past', -31 * 86_400_000],
  ])('refuses a scan from a time that is %s, and reports nothing', async (_when, offset) => {
    const { shipmentId } = await booked()
    const answer = await scan(shipmentId, {
      status: 'dispatched',
      at: new Date(Date.now() + offset).toISOString(),
    })
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({ code: 'validation_failed', errors: [{ path: 'at' }] })
    expect(reportParcel).not.toHaveBeenCalled()
  })

  it('moves the parcel through its workflow and shows it', async () => {
    const { shipmentId } = await booked()
    const anHourAgo = new Date(Date.now() - 3_600_000)
    await database.shipmentMove.updateMany({ where: { shipmentId }, data: { at: anHourAgo } })
    const at = new Date(Date.now() - 60_000).toISOString()
    const answer = await scan(shipmentId, { status: 'dispatched', at: at.replace('Z', '123Z') })
    expect(answer.statusCode).toBe(200)
    expect(answer.json()).toMatchObject({ id: shipmentId, status: 'dispatched' })
    expect(reportParcel.mock.calls).toEqual([[{ shipmentId, status: 'dispatched', at, source: 'courier' }]])
  })

  it('answers a repeat like the first scan, also when nobody waits for it any more', async () => {
    const { shipmentId } = await booked()
    await scan(shipmentId, { status: 'dispatched' })
    reportParcel.mockResolvedValue({ outcome: 'refused', detail: 'Nobody waits.' })
    const again = await scan(shipmentId, { status: 'dispatched' })
    expect([again.statusCode, again.json().status]).toEqual([200, 'dispatched'])
    expect(await history(shipmentId)).toEqual(['pending', 'booked', 'dispatched'])
  })

  it('is reported once per key, and a repeat shows what was answered', async () => {
    const { shipmentId } = await booked()
    const headers = { ...courier, 'idempotency-key': randomUUID() }
    const first = await scan(shipmentId, { status: 'dispatched' }, headers)
    await scan(shipmentId, { status: 'delivered' })
    const again = await scan(shipmentId, { status: 'dispatched' }, headers)
    expect([again.statusCode, again.json(), again.headers['idempotency-replayed']]).toEqual([
      200,
      first.json(),
      'true',
    ])
    expect((await scan(shipmentId, { status: 'lost' }, headers)).json().code).toBe('idempotency_key_reused')
    expect(reportParcel).toHaveBeenCalledTimes(2)
  })

  it('is a conflict when the workflow refuses, and changes nothing', async () => {
    const { shipmentId } = await booked()
    const answer = await scan(shipmentId, { status: 'delivered' })
    expect([answer.statusCode, answer.json().code, answer.json().detail]).toEqual([
      409,
      'shipment_transition_refused',
      'The parcel is elsewhere.',
    ])
    expect(await history(shipmentId)).toEqual(['pending', 'booked'])
  })

  it('asks to come back while Temporal is away', async () => {
    const { shipmentId } = await booked()
    reportParcel.mockRejectedValue(
      new ProblemError('workflow_engine_unavailable', 'Later.', { retryAfter: 2 }),
    )
    const answer = await scan(shipmentId, { status: 'dispatched' })
    expect([answer.statusCode, answer.json().code, answer.headers['retry-after']]).toEqual([
      503,
      'workflow_engine_unavailable',
      '2',
    ])
  })

  it('is for couriers, known parcels and times that exist', async () => {
    const { shipmentId, customerId } = await booked()
    expect((await scan(shipmentId, { status: 'dispatched' }, as('customer', customerId))).statusCode).toBe(
      403,
    )
    expect((await scan(randomUUID(), { status: 'dispatched' })).statusCode).toBe(404)
    expect((await scan(shipmentId, { status: 'booked' })).statusCode).toBe(400)
    for (const at of ['2016-12-31T23:59:60Z', '2026-02-30T12:00:00Z', 'yesterday']) {
      const answer = await scan(shipmentId, { status: 'dispatched', at })
      expect([answer.statusCode, answer.json().errors[0].path]).toEqual([400, 'at'])
    }
    expect(reportParcel).not.toHaveBeenCalled()
  })
})

describe('POST /webhooks/carriers/:carrier', () => {
  const event = (id = `evt_${randomUUID()}`) =>
    JSON.stringify({ id, type: 'parcel.dispatched', data: { bookingId: 'book_1', status: 'dispatched' } })

  const sign = (body: string, seconds = Math.floor(Date.now() / 1000)) =>
    `t=${seconds},v1=${createHmac('sha256', WEBHOOK_SECRET).update(`${seconds}.${body}`).digest('hex')}`

  const deliver = (body: string, signature: string | undefined, name = 'sandbox') =>
    app.inject({
      method: 'POST',
      url: `/api/v1/webhooks/carriers/${name}`,
      headers: {
        'content-type': 'application/json',
        ...(signature === undefined ? {} : { 'carrier-signature': signature }),
      },
      payload: body,
    })

  const count = () => database.carrierWebhook.count()

  it('is stored as it came, once per event, then answered', async () => {
    const id = `evt_${randomUUID()}`
    const body = `${event(id)}  \n`
    const answers = await Promise.all([1, 2, 3].map(() => deliver(body, sign(body))))
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200])
    expect(answers[0]!.json()).toEqual({ received: true })
    const stored = await database.carrierWebhook.findMany({ where: { id } })
    expect(stored.map((webhook) => webhook.body)).toEqual([body])
    expect(onStored).toHaveBeenCalled()
  })

  it('is not stored without a genuine, recent signature', async () => {
    const before = await count()
    const body = event()
    const old = Math.floor(Date.now() / 1000) - 301
    for (const signature of [undefined, 'nonsense', sign(`${body} `), sign(body, old)]) {
      const answer = await deliver(body, signature)
      expect([answer.statusCode, answer.json().code]).toEqual([401, 'invalid_signature'])
    }
    expect(await count()).toBe(before)
    expect(onStored).not.toHaveBeenCalled()
  })

  it.each([
    ['id', { id: 'a\0b', data: { bookingId: 'b' } }],
    ['booking', { id: 'evt_half', data: { bookingId: 'b\ud800' } }],
  ])('is not stored with an %s that cannot be', async (_which, strange) => {
    const before = await count()
    const body = JSON.stringify({ type: 'parcel.dispatched', ...strange })
    const answer = await deliver(body, sign(body))
    expect([answer.statusCode, answer.json().code]).toEqual([400, 'validation_failed'])
    expect(await count()).toBe(before)
  })

  it('is not stored when it is another carrier’s, too large, or not an event', async () => {
    const before = await count()
    const body = event()
    expect((await deliver(body, sign(body), 'pigeon')).statusCode).toBe(404)
    const large = JSON.stringify({ id: 'evt_large', padding: 'x'.repeat(256 * 1024) })
    expect((await deliver(large, sign(large))).statusCode).toBe(413)
    for (const strange of ['{"id":1}', 'nonsense', '']) {
      expect([400, 401]).toContain((await deliver(strange, sign(strange))).statusCode)
    }
    expect(await count()).toBe(before)
  })

  it('leaves the other routes their JSON', async () => {
    const answer = await app.inject({
      method: 'POST',
      url: `/api/v1/shipments/${randomUUID()}/scans`,
      headers: { ...courier, 'content-type': 'application/octet-stream' },
      payload: 'dispatched',
    })
    expect(answer.statusCode).toBe(415)
  })
})
