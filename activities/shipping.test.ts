import { ApplicationFailure } from '@temporalio/common'
import { describe, expect, it } from 'vitest'
import { createShippingActivities, type ShippingUseCases } from './shipping.ts'

const activitiesWith = (changes: Partial<ShippingUseCases>) =>
  createShippingActivities({
    bookShipment: () => Promise.resolve({ outcome: 'cancelled' }),
    recordParcel: () => Promise.resolve('recorded'),
    cancelShipment: () => Promise.resolve('cancelled'),
    locateParcel: () => Promise.resolve('booked'),
    findStrayParcels: () => Promise.resolve([]),
    ...changes,
  })

const report = {
  shipmentId: 's-1',
  status: 'delivered',
  at: '2026-11-23T12:00:00.000Z',
  source: 'courier',
} as const
const shipment = { shipmentId: 's-1', orderId: 'o-1', warehouse: 'AMS' }

describe('the shipping activities', () => {
  it('fail for good where the parcel cannot be what is asked', async () => {
    const activities = activitiesWith({
      recordParcel: () => Promise.resolve('refused'),
      cancelShipment: () => Promise.resolve('too_late'),
    })
    for (const call of [activities.recordParcel(report), activities.cancelShipment(shipment)]) {
      const failure: unknown = await call.catch((error: unknown) => error)
      expect(failure).toBeInstanceOf(ApplicationFailure)
      expect(failure).toMatchObject({ nonRetryable: true, type: 'Refused' })
    }
  })

  it('say where a parcel is', async () => {
    expect(await activitiesWith({}).locateParcel({ shipmentId: 's-1' })).toEqual({ status: 'booked' })
  })

  it('are tried again after any other failure', async () => {
    const away = new Error('the carrier is away')
    const activities = activitiesWith({ cancelShipment: () => Promise.reject(away) })
    await expect(activities.cancelShipment(shipment)).rejects.toBe(away)
    await expect(activities.recordParcel(report)).resolves.toBeUndefined()
  })
})
