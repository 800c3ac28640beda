import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { newShipment, testShipping } from '#tests/support/shipping.ts'
import { createBookShipment } from './book-shipment.ts'
import { createLocateParcel } from './locate-parcel.ts'
import { createRecordParcel } from './record-parcel.ts'

const { database, transact, carrier } = await testShipping()
const locateParcel = createLocateParcel(database)

it('knows where a parcel is, also one that it has never heard of', async () => {
  const shipment = newShipment()
  const { shipmentId } = shipment
  expect(await locateParcel(shipmentId)).toBe('pending')
  await createBookShipment({ transact, carrier, onUnsettled: () => {} })(shipment)
  expect(await locateParcel(shipmentId)).toBe('booked')
  const at = new Date().toISOString()
  await createRecordParcel({ transact })({ shipmentId, status: 'dispatched', at, source: 'courier' })
  expect([await locateParcel(shipmentId), await locateParcel(randomUUID())]).toEqual([
    'dispatched',
    'pending',
  ])
})
