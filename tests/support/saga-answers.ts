/** What the services answer when nothing is wrong. */
import { randomUUID } from 'node:crypto'
import type { InventoryActivities } from '#activities/inventory.ts'
import type { OrdersActivities } from '#activities/orders.ts'
import type { PaymentsActivities } from '#activities/payments.ts'
import type { PlatformActivities } from '#activities/platform.ts'
import type { ShippingActivities } from '#activities/shipping.ts'
import type { UsersActivities } from '#activities/users.ts'

export type Answers = InventoryActivities &
  PaymentsActivities &
  UsersActivities &
  ShippingActivities &
  PlatformActivities &
  Omit<OrdersActivities, 'requestCancellation'>

export const INVENTORY = [
  'reserveInventory',
  'commitReservation',
  'extendReservation',
  'releaseReservation',
  'releaseParcelStock',
  'restock',
  'findExpiredHolds',
  'expireReservation',
  'republishEvents',
] as const

export const USERS = ['screenCustomer', 'releaseScreening', 'republishEvents'] as const

export const SHIPPING = [
  'bookShipment',
  'recordParcel',
  'cancelShipment',
  'findStrayParcels',
  'republishEvents',
] as const

export const PAYMENTS = [
  'authorizePayment',
  'voidPayment',
  'capturePayment',
  'keepAuthorization',
  'renewAuthorization',
  'releaseParcelPayment',
  'refundPayment',
  'settleUnknownPayments',
  'compareProviderLedger',
  'republishEvents',
] as const

export const ORDERS = [
  'recordProgress',
  'raiseAttention',
  'clearAttention',
  'loadShippingAddress',
  'reviseOrder',
  'quoteAmendment',
  'applyAmendment',
  'refuseAmendment',
  'raiseConcern',
  'settleConcern',
  'recordReturn',
  'quoteLostParcel',
  'checkWorkflows',
  'findRunning',
  'recordFindings',
  'republishEvents',
] as const

const HOLD_MS = 60 * 60_000

export const cheerful = (shipmentIds: Set<string>): Answers => ({
  reserveInventory: async ({ lines }) => ({
    outcome: 'held',
    allocations: [{ warehouse: 'AMS', lines }],
    expiresAt: new Date(Date.now() + HOLD_MS).toISOString(),
  }),
  commitReservation: async () => {},
  extendReservation: async () => {},
  releaseReservation: async () => {},
  releaseParcelStock: async () => {},
  restock: async () => {},
  findExpiredHolds: async () => ({ orderIds: [] }),
  expireReservation: async () => {},
  screenCustomer: async () => ({ outcome: 'cleared' }),
  releaseScreening: async () => {},
  authorizePayment: async () => ({ outcome: 'authorized', paymentId: randomUUID() }),
  voidPayment: async () => {},
  capturePayment: async ({ amount, shipping }) => ({ outcome: 'captured', captured: amount + shipping }),
  keepAuthorization: async () => {},
  renewAuthorization: async () => ({ outcome: 'valid' }),
  releaseParcelPayment: async () => {},
  refundPayment: async ({ amount }) => ({ outcome: 'refunded', amount }),
  settleUnknownPayments: async () => [],
  compareProviderLedger: async () => [],
  async bookShipment({ shipmentId }) {
    shipmentIds.add(shipmentId)
    return { outcome: 'booked', trackingNumber: 'T1' }
  },
  recordParcel: async () => {},
  cancelShipment: async () => {},
  findStrayParcels: async () => [],
  recordProgress: async () => {},
  raiseAttention: async () => {},
  clearAttention: async () => {},
  loadShippingAddress: async () => ({ name: 'A', line1: 'B', city: 'C', postalCode: 'D', country: 'NL' }),
  reviseOrder: async ({ lines }) => {
    const revised = lines.map((line) => ({ ...line, total: line.quantity * 800, tax: line.quantity * 200 }))
    const total = revised.reduce((sum, line) => sum + line.total + line.tax, 500)
    return { lines: revised, shipping: 400, shippingTax: 100, total }
  },
  quoteAmendment: async () => ({ outcome: 'refused', code: 'product_inactive', message: 'not for sale' }),
  applyAmendment: async () => {},
  refuseAmendment: async () => {},
  raiseConcern: async () => {},
  settleConcern: async () => {},
  recordReturn: async () => ({ amount: 1000, shipping: 0 }),
  quoteLostParcel: async () => ({ amount: 2500 }),
  checkWorkflows: async () => [],
  findRunning: async ({ orderIds }) => ({ orderIds }),
  recordFindings: async () => {},
  republishEvents: async () => [],
})
