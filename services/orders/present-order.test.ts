import { describe, expect, it } from 'vitest'
import { Order } from '#contracts/http/orders.ts'
import { ORDER, statesOf, type ShipmentStatus } from '#contracts/states.ts'
import { parser } from '#platform/validation.ts'
import { ADDRESS } from '#tests/support/orders.ts'
import { presentOrder } from './present-order.ts'
import type { OrderRow, ShipmentRow } from './rows.ts'

const id = (last: number) => `00000000-0000-4000-8000-00000000000${last}`
const parseOrder = parser('the order', Order)

const row = (changes: Partial<OrderRow> = {}): OrderRow => ({
  id: id(1),
  number: 'M-100001',
  customer_id: id(2),
  status: 'placed',
  reason_code: null,
  reason_message: null,
  currency: 'EUR',
  subtotal: 300n,
  tax: 63n,
  shipping: 490n,
  total: 853n,
  shipping_address: ADDRESS,
  attention: null,
  version: 1,
  created_at: new Date(0),
  updated_at: new Date(1),
  lines: [
    { sku: 'A', name: 'a', quantity: 2, unit_price: 50, total: 100, tax: 21 },
    { sku: 'A', name: 'a', quantity: 3, unit_price: 50, total: 150, tax: 32 },
    { sku: 'B', name: 'b', quantity: 1, unit_price: 50, total: 50, tax: 10 },
  ],
  payment: null,
  shipments: [],
  ...changes,
})

const parcel = (status: ShipmentStatus, lines: [string, number][] = []): ShipmentRow => ({
  id: id(3),
  warehouse: 'AMS',
  status,
  lines: lines.map(([sku, quantity]) => ({ sku, quantity })),
  carrier: null,
  tracking_number: 'T-1',
  history: [{ status, at: new Date(2).toISOString() }],
})

describe('presentOrder', () => {
  it('is what the contract says, for a new order and for one with everything', () => {
    const attention = { step: 's', operation: 'o', error: 'e', attempts: 1, since: new Date(0).toISOString() }
    const payment = {
      status: 'captured',
      authorized: 9,
      captured: 9,
      refunded: 1,
      brand: 'visa',
      last4: '4242',
    } as const
    const whole = row({
      attention,
      payment,
      shipments: [parcel('dispatched', [['A', 1]])],
      reason_code: 'fraud',
    })
    expect(() => parseOrder(presentOrder(row()))).not.toThrow()
    expect(() => parseOrder(presentOrder(whole))).not.toThrow()
    expect(presentOrder(whole)).toMatchObject({
      needsAttention: true,
      waitingFor: { what: 'operator', until: null },
      statusReason: { code: 'fraud', message: '' },
      payment: { status: 'captured', captured: 9, refunded: 1, method: { brand: 'visa', last4: '4242' } },
      shipments: [{ id: id(3), orderId: id(1), trackingNumber: 'T-1' }],
      createdAt: '1970-01-01T00:00:00.000Z',
    })
  })

  it('counts units that have left against the lines of their product in order', () => {
    const fulfilled = (...shipments: ShipmentRow[]) =>
      presentOrder(row({ shipments })).lines.map((line) => line.fulfilled)
    expect(fulfilled(parcel('pending', [['A', 5]]), parcel('booked', [['B', 1]]))).toEqual([0, 0, 0])
    expect(fulfilled(parcel('dispatched', [['A', 3]]))).toEqual([2, 1, 0])
    expect(
      fulfilled(
        parcel('delivered', [['A', 3]]),
        parcel('lost', [
          ['A', 2],
          ['B', 1],
        ]),
      ),
    ).toEqual([2, 3, 1])
    expect(fulfilled(parcel('cancelled', [['A', 5]]))).toEqual([0, 0, 0])
  })

  it.each<[string, ShipmentStatus[]]>([
    ['none', []],
    ['none', ['cancelled']],
    ['in_progress', ['pending', 'booked']],
    ['partially_dispatched', ['dispatched', 'booked']],
    ['partially_dispatched', ['delivered', 'pending']],
    ['dispatched', ['dispatched', 'delivered', 'cancelled']],
    ['dispatched', ['delivered', 'lost']],
    ['delivered', ['delivered', 'delivered', 'cancelled']],
  ])('says %s when the parcels are %j', (status, parcels) => {
    const shipments = parcels.map((one) => parcel(one))
    expect(presentOrder(row({ shipments })).fulfilment.status).toBe(status)
  })

  it('offers to cancel before anything is confirmed', () => {
    const cancellable = statesOf(ORDER).filter((status) =>
      presentOrder(row({ status })).actions.includes('cancel'),
    )
    expect(cancellable).toEqual(['placed', 'reserving', 'awaiting_customer', 'authorizing'])
  })
})
