import { randomUUID } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { NotSentError } from '#platform/outbound/json-client.ts'
import { ProblemError } from '#platform/problem.ts'
import { newShipment, silentLogger, testShipping } from '#tests/support/shipping.ts'
import { createBookShipment } from './book-shipment.ts'
import type { Carrier } from './carriers/carrier.ts'
import { createFollowBooking } from './follow-booking.ts'
import { pollBookings } from './poll-bookings.ts'
import { processWebhooks } from './process-webhooks.ts'
import { createRecordParcel } from './record-parcel.ts'
import type { ReportParcel } from './report-parcel.ts'

const { database, transact, carrier, advance, history, events } = await testShipping()
const bookShipment = createBookShipment({ transact, carrier, onUnsettled: () => {} })
const recordParcel = createRecordParcel({ transact })

/** A workflow that agrees with the shipment's table. */
const workflow = vi.fn<ReportParcel>(async (report) =>
  (await recordParcel(report)) === 'recorded'
    ? { outcome: 'recorded' }
    : { outcome: 'refused', detail: 'no' },
)

const dependencies = (reportParcel: ReportParcel = workflow) => ({
  database,
  carrier,
  followBooking: createFollowBooking({ reportParcel, logger: silentLogger }),
  logger: silentLogger,
})

async function booked() {
  const shipment = newShipment()
  await bookShipment(shipment)
  const booking = await carrier.findByReference(shipment.shipmentId)
  return { id: shipment.shipmentId, bookingId: booking!.id }
}

async function store(bookingId: string): Promise<string> {
  const id = `evt_${randomUUID()}`
  const body = JSON.stringify({ id, type: 'parcel.dispatched', data: { bookingId } })
  await database.carrierWebhook.create({ data: { carrier: 'sandbox', id, body } })
  return id
}

const stored = (id: string) =>
  database.carrierWebhook.findUnique({ where: { carrier_id: { carrier: 'sandbox', id } } })

const reportsOf = (id: string) =>
  workflow.mock.calls.map(([report]) => report).filter(({ shipmentId }) => shipmentId === id)

describe('processWebhooks', () => {
  it('reports every move that the carrier knows, in order, whatever the webhook said', async () => {
    const { id, bookingId } = await booked()
    await advance(bookingId, 'dispatched')
    await advance(bookingId, 'delivered')
    const webhook = await store(bookingId)
    expect(await processWebhooks(dependencies())).toBe(false)
    expect(await history(id)).toEqual(['pending', 'booked', 'dispatched', 'delivered'])
    const booking = await carrier.read(bookingId)
    expect(reportsOf(id)).toEqual(
      booking.history.slice(1).map((move) => ({ shipmentId: id, ...move, source: 'carrier' })),
    )
    expect((await stored(webhook))!.processedAt).not.toBeNull()
    expect(await processWebhooks(dependencies())).toBe(false)
  })

  it('takes ten at once and says that there may be more', async () => {
    const parcels = await Promise.all(Array.from({ length: 11 }, booked))
    for (const { bookingId } of parcels) {
      await advance(bookingId, 'dispatched')
      await store(bookingId)
    }
    let atOnce = 0
    let most = 0
    const slow: ReportParcel = async (report) => {
      most = Math.max(most, (atOnce += 1))
      const answer = await workflow(report)
      atOnce -= 1
      return answer
    }
    expect(await processWebhooks(dependencies(slow))).toBe(true)
    expect(most).toBeGreaterThan(1)
    expect(await processWebhooks(dependencies(slow))).toBe(false)
    for (const { id } of parcels) expect(await history(id)).toEqual(['pending', 'booked', 'dispatched'])
  })

  it('reports nothing twice for duplicates and disorder', async () => {
    const { id, bookingId } = await booked()
    await advance(bookingId, 'dispatched')
    await Promise.all([store(bookingId), store(bookingId), store(bookingId)])
    await Promise.all([processWebhooks(dependencies()), processWebhooks(dependencies())])
    expect(await history(id)).toEqual(['pending', 'booked', 'dispatched'])
    await store(bookingId)
    const before = reportsOf(id).length
    await processWebhooks(dependencies())
    expect(reportsOf(id)).toHaveLength(before)
  })

  it('tries again later when the carrier or the workflow engine is away', async () => {
    const { id, bookingId } = await booked()
    await advance(bookingId, 'dispatched')
    const webhook = await store(bookingId)
    const away = new ProblemError('workflow_engine_unavailable', 'Temporal is away')
    await processWebhooks(dependencies(() => Promise.reject(away)))
    const failed = await stored(webhook)
    expect(failed).toMatchObject({ processedAt: null, attempts: 1, note: 'Temporal is away' })
    expect(failed!.nextAttemptAt.getTime()).toBeGreaterThan(Date.now() - 1_000)
    expect(await history(id)).toEqual(['pending', 'booked'])
    await database.carrierWebhook.updateMany({ where: { id: webhook }, data: { nextAttemptAt: new Date(0) } })
    await processWebhooks({
      ...dependencies(),
      carrier: { ...carrier, read: () => Promise.reject(new NotSentError('the carrier is away')) },
    })
    const again = await stored(webhook)
    expect(again).toMatchObject({ processedAt: null, attempts: 2, note: 'the carrier is away' })
    expect(again!.nextAttemptAt.getTime()).toBeGreaterThan(Date.now() + 500)
    await database.carrierWebhook.updateMany({ where: { id: webhook }, data: { nextAttemptAt: new Date(0) } })
    await processWebhooks(dependencies())
    expect(await history(id)).toEqual(['pending', 'booked', 'dispatched'])
    expect(await stored(webhook)).toMatchObject({ attempts: 3, note: null, processedAt: expect.any(Date) })
  })

  it('waits for a shipment that does not know its booking yet', async () => {
    const shipment = newShipment()
    const dying = createBookShipment({
      transact,
      carrier: {
        ...carrier,
        async book(request) {
          await carrier.book(request)
          throw new Error('the process died')
        },
      },
      onUnsettled: () => {},
    })
    await expect(dying(shipment)).rejects.toThrow('died')
    const booking = await carrier.findByReference(shipment.shipmentId)
    const webhook = await store(booking!.id)
    await processWebhooks(dependencies())
    expect((await stored(webhook))!.processedAt).toBeNull()
    expect(reportsOf(shipment.shipmentId)).toEqual([])
  })

  it('tells the workflow again what was written in a task that it has lost', async () => {
    const { id, bookingId } = await booked()
    await advance(bookingId, 'dispatched')
    const [dispatched] = (await carrier.read(bookingId)).history.slice(1)
    await recordParcel({ shipmentId: id, status: 'dispatched', at: dispatched!.at, source: 'carrier' })
    await advance(bookingId, 'delivered')
    let knows = 'booked'
    const behind = vi.fn<ReportParcel>(async (report) => {
      if (knows === 'booked' && report.status === 'delivered') return { outcome: 'refused', detail: 'no' }
      knows = report.status
      return workflow(report)
    })
    const webhook = await store(bookingId)
    await processWebhooks(dependencies(behind))
    expect(behind.mock.calls.map(([{ status }]) => status)).toEqual(['delivered', 'dispatched', 'delivered'])
    expect(await history(id)).toEqual(['pending', 'booked', 'dispatched', 'delivered'])
    expect(await stored(webhook)).toMatchObject({ processedAt: expect.any(Date), note: null })
  })

  it('is done with what is refused and with parcels that are not ours', async () => {
    const { id, bookingId } = await booked()
    await advance(bookingId, 'dispatched')
    const refused = await store(bookingId)
    const detail = 'The parcel is lost.'
    await processWebhooks(dependencies(() => Promise.resolve({ outcome: 'refused', detail })))
    expect(await stored(refused)).toMatchObject({ processedAt: expect.any(Date), note: detail })
    expect(await history(id)).toEqual(['pending', 'booked'])
    const { warehouse, lines, address } = newShipment()
    const foreign = await carrier.book({
      reference: 'not-ours',
      idempotencyKey: randomUUID(),
      warehouse,
      lines,
      address,
    })
    const strange = await store(foreign.id)
    await processWebhooks(dependencies())
    expect(await stored(strange)).toMatchObject({ note: 'the parcel is not one of ours' })
  })

  it('gives up after a day what the carrier knows nothing of, and says so', async () => {
    const webhook = await store('book_nobody_knows')
    await processWebhooks(dependencies())
    expect(await stored(webhook)).toMatchObject({ processedAt: null, attempts: 1 })
    await database.carrierWebhook.updateMany({
      where: { id: webhook },
      data: { nextAttemptAt: new Date(0), receivedAt: new Date(Date.now() - 86_500_000) },
    })
    await processWebhooks(dependencies())
    expect(await stored(webhook)).toMatchObject({
      attempts: 2,
      processedAt: expect.any(Date) as Date,
      note: expect.stringMatching(/^given up: .* 404/) as string,
    })
  })
})

describe('pollBookings', () => {
  const poll = (reportParcel?: ReportParcel) =>
    pollBookings({ ...dependencies(reportParcel), everySeconds: 30 })
  const age = (id: string) =>
    database.shipment.update({
      where: { id },
      data: { updatedAt: new Date(Date.now() - 60_000), polledAt: new Date(Date.now() - 60_000) },
    })

  it('hears of a move whose webhook was lost, once nothing was heard for a while', async () => {
    const { id, bookingId } = await booked()
    await advance(bookingId, 'dispatched')
    await poll()
    expect(await history(id)).toEqual(['pending', 'booked'])
    await age(id)
    await poll()
    expect(await history(id)).toEqual(['pending', 'booked', 'dispatched'])
    expect(await events(id)).toHaveLength(3)
  })

  it('asks the less often, the longer nothing was heard', async () => {
    const { id, bookingId } = await booked()
    await advance(bookingId, 'dispatched')
    const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000)
    const pollWith = async (updated: number, polled: number) => {
      await database.shipment.update({
        where: { id },
        data: { updatedAt: ago(updated), polledAt: ago(polled) },
      })
      await poll()
    }
    await pollWith(3_600, 300)
    await pollWith(86_400 * 3, 3_500)
    expect(await history(id)).toEqual(['pending', 'booked'])
    await pollWith(3_600, 400)
    expect(await history(id)).toEqual(['pending', 'booked', 'dispatched'])
    await advance(bookingId, 'delivered')
    await pollWith(86_400 * 3, 3_700)
    expect((await history(id)).at(-1)).toBe('delivered')
  })

  it('asks about each parcel once in that time', async () => {
    const { id } = await booked()
    await age(id)
    const read = vi.fn<Carrier['read']>(carrier.read)
    const polling = { ...dependencies(), carrier: { ...carrier, read }, everySeconds: 30 }
    await Promise.all([pollBookings(polling), pollBookings(polling), pollBookings(polling)])
    expect(read).toHaveBeenCalledOnce()
  })

  it('asks about the other parcels although one fails', async () => {
    const [failing, fine] = [await booked(), await booked()]
    for (const { id, bookingId } of [failing, fine]) {
      await advance(bookingId, 'dispatched')
      await age(id)
    }
    await poll((report) =>
      report.shipmentId === failing.id ? Promise.reject(new Error('no')) : workflow(report),
    )
    expect(await history(failing.id)).toEqual(['pending', 'booked'])
    expect(await history(fine.id)).toEqual(['pending', 'booked', 'dispatched'])
  })

  it('leaves parcels alone that have reached their end', async () => {
    const { id, bookingId } = await booked()
    await advance(bookingId, 'dispatched')
    await advance(bookingId, 'lost')
    await age(id)
    await poll()
    expect((await history(id)).at(-1)).toBe('lost')
    await age(id)
    const read = vi.fn<Carrier['read']>(carrier.read)
    await pollBookings({ ...dependencies(), carrier: { ...carrier, read }, everySeconds: 30 })
    expect(read).not.toHaveBeenCalledWith(bookingId)
  })
})
