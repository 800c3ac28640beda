import { describe, expect, it, vi } from 'vitest'
import { newShipment, testShipping } from '#tests/support/shipping.ts'
import { createBookShipment } from './book-shipment.ts'
import { createFindShipments } from './find-shipments.ts'
import { createRecordParcel } from './record-parcel.ts'
import type { ReportParcel } from './report-parcel.ts'
import { createScanShipment } from './scan-shipment.ts'

const { database, transact, carrier, history, events } = await testShipping()
const bookShipment = createBookShipment({ transact, carrier, onUnsettled: () => {} })
const recordParcel = createRecordParcel({ transact })
const findShipments = createFindShipments(database)
/** A workflow that agrees with the shipment's table. */
const reportParcel = vi.fn<ReportParcel>(async (report) =>
  (await recordParcel(report)) === 'recorded'
    ? { outcome: 'recorded' }
    : { outcome: 'refused', detail: 'The parcel is elsewhere.' },
)
const scanShipment = createScanShipment({ findShipments, reportParcel })

const DAY_MS = 86_400_000

async function booked(): Promise<string> {
  const shipment = newShipment()
  await bookShipment(shipment)
  return shipment.shipmentId
}

describe('a scan that says when it was made', () => {
  it.each([
    ['booked', [], 'dispatched'],
    ['dispatched', ['dispatched'], 'delivered'],
    ['dispatched', ['dispatched'], 'lost'],
  ] as const)('is refused from before the parcel was %s, and changes nothing', async (_was, seen, next) => {
    const shipmentId = await booked()
    for (const status of seen) await scanShipment({ shipmentId, status })
    reportParcel.mockClear()
    const before = await findShipments.read(shipmentId, null)
    const eventsBefore = await events(shipmentId)
    const last = before.history.at(-1)!.at
    for (const earlier of [10 * 60_000 + 1, 29 * DAY_MS]) {
      const at = new Date(Date.parse(last) - earlier).toISOString()
      await expect(scanShipment({ shipmentId, status: next, at })).rejects.toMatchObject({
        code: 'validation_failed',
        errors: [{ path: 'at', message: `must not lie before the parcel's last move, ${last}` }],
      })
    }
    expect(reportParcel).not.toHaveBeenCalled()
    expect(await findShipments.read(shipmentId, null)).toEqual(before)
    expect(await events(shipmentId)).toEqual(eventsBefore)
  })

  it('is taken from the same moment as the last move', async () => {
    const shipmentId = await booked()
    const { history: moves } = await findShipments.read(shipmentId, null)
    const { at } = moves.at(-1)!
    const { history: after } = await scanShipment({ shipmentId, status: 'dispatched', at })
    expect(after).toEqual([...moves, { status: 'dispatched', at }])
  })

  it('is as late as the last move where its clock is minutes behind', async () => {
    const shipmentId = await booked()
    const { history: moves } = await findShipments.read(shipmentId, null)
    const { at: last } = moves.at(-1)!
    const at = new Date(Date.parse(last) - 5 * 60_000).toISOString()
    const { history: after } = await scanShipment({ shipmentId, status: 'dispatched', at })
    expect(after).toEqual([...moves, { status: 'dispatched', at: last }])
  })

  it('is taken again although the parcel has gone on since', async () => {
    const shipmentId = await booked()
    const first = { shipmentId, status: 'dispatched', at: new Date().toISOString() } as const
    await scanShipment(first)
    const later = new Date(Date.now() + 60_000).toISOString()
    const delivered = await scanShipment({ shipmentId, status: 'delivered', at: later })
    expect(await scanShipment(first)).toEqual(delivered)
    expect(await history(shipmentId)).toEqual(['pending', 'booked', 'dispatched', 'delivered'])
  })
})

describe('a scan that does not', () => {
  it('is as late as the last move where the clock of who made that was ahead', async () => {
    const shipmentId = await booked()
    const ahead = new Date(Date.now() + 300_000).toISOString()
    await scanShipment({ shipmentId, status: 'dispatched', at: ahead })
    const { history: moves } = await scanShipment({ shipmentId, status: 'delivered' })
    expect(moves.at(-1)).toEqual({ status: 'delivered', at: ahead })
  })
})
