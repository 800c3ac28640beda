import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { ScanStatus } from '#contracts/http/shipping.ts'
import { newShipment, testShipping } from '#tests/support/shipping.ts'
import { createBookShipment } from './book-shipment.ts'
import { createRecordParcel } from './record-parcel.ts'

const { transact, carrier, database, events, history } = await testShipping()
const bookShipment = createBookShipment({ transact, carrier, onUnsettled: () => {} })
const recordParcel = createRecordParcel({ transact })

const seen = (shipmentId: string, status: ScanStatus, at = '2026-11-23T12:00:00.000Z') =>
  recordParcel({ shipmentId, status, at, source: 'courier' })

async function booked(): Promise<string> {
  const shipment = newShipment()
  await bookShipment(shipment)
  return shipment.shipmentId
}

describe('recordParcel', () => {
  it('moves the parcel and says when it was seen', async () => {
    const id = await booked()
    expect(await seen(id, 'dispatched')).toBe('recorded')
    expect(await seen(id, 'delivered', '2026-11-24T09:30:00.000Z')).toBe('recorded')
    expect(await history(id)).toEqual(['pending', 'booked', 'dispatched', 'delivered'])
    expect((await events(id)).slice(2)).toEqual([
      [3, 'shipment.dispatched'],
      [4, 'shipment.delivered'],
    ])
    const [last] = await database.outbox.findMany({
      where: { aggregateId: id },
      orderBy: { id: 'desc' },
      take: 1,
    })
    expect(last!.payload).toMatchObject({
      shipmentId: id,
      at: '2026-11-24T09:30:00.000Z',
      carrier: 'sandbox',
    })
  })

  it('takes what is known already without changing anything', async () => {
    const id = await booked()
    await Promise.all([1, 2, 3, 4].map(() => seen(id, 'dispatched')))
    await seen(id, 'delivered')
    expect(await seen(id, 'dispatched')).toBe('recorded')
    expect(await seen(id, 'delivered')).toBe('recorded')
    expect(await events(id)).toHaveLength(4)
  })

  it('refuses what cannot be, and changes nothing', async () => {
    const id = await booked()
    expect(await seen(id, 'delivered')).toBe('refused')
    await seen(id, 'dispatched')
    await seen(id, 'lost')
    expect(await seen(id, 'delivered')).toBe('refused')
    expect(await seen(randomUUID(), 'dispatched')).toBe('refused')
    expect(await history(id)).toEqual(['pending', 'booked', 'dispatched', 'lost'])
    expect(await events(id)).toHaveLength(4)
  })

  it('lets one of two endings win', async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, booked))
    await Promise.all(ids.map((id) => seen(id, 'dispatched')))
    const endings = await Promise.all(ids.map((id) => Promise.all([seen(id, 'delivered'), seen(id, 'lost')])))
    for (const ending of endings) expect(ending.toSorted()).toEqual(['recorded', 'refused'])
    for (const id of ids) expect(await events(id)).toHaveLength(4)
  })
})
