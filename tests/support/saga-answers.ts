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

/** By service: what each worker offers is what its service's interface has, or this does not compile. */
interface ServiceAnswers {
  inventory: InventoryActivities
  users: UsersActivities
  payments: PaymentsActivities
  shipping: ShippingActivities
  orders: Omit<OrdersActivities, 'requestCancellation'>
}

const HOLD_MS = 60 * 60_000

const byService = (shipmentIds: Set<string>): ServiceAnswers => ({
  inventory: {
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
  },
  users: {
    screenCustomer: async () => ({ outcome: 'cleared' }),
    releaseScreening: async () => {},
  },
  payments: {
    authorizePayment: async () => ({ outcome: 'authorized', paymentId: randomUUID() }),
    voidPayment: async () => {},
    capturePayment: async ({ amount, shipping }) => ({ outcome: 'captured', captured: amount + shipping }),
    keepAuthorization: async () => {},
    renewAuthorization: async () => ({ outcome: 'valid' }),
    releaseParcelPayment: async () => {},
    refundPayment: async ({ amount }) => ({ outcome: 'refunded', amount }),
    giveUpCapture: async () => {},
    giveUpRefund: async () => {},
    settleUnknownPayments: async () => [],
    compareProviderLedger: async () => [],
  },
  shipping: {
    async bookShipment({ shipmentId }) {
      shipmentIds.add(shipmentId)
      return { outcome: 'booked', trackingNumber: 'T1' }
    },
    recordParcel: async () => {},
    cancelShipment: async () => {},
    locateParcel: async () => ({ status: 'booked' }),
    findStrayParcels: async () => [],
  },
  orders: {
    recordProgress: async () => undefined,
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
    quoteShippingBack: async () => ({ amount: 0 }),
    checkWorkflows: async () => [],
    checkParcels: async () => [],
    checkReturns: async () => [],
    findRunning: async ({ orderIds }) => ({ orderIds }),
    recordFindings: async () => {},
  },
})

const ofPlatform: PlatformActivities = { republishEvents: async () => [] }

export function cheerful(shipmentIds: Set<string>): Answers {
  const { inventory, users, payments, shipping, orders } = byService(shipmentIds)
  return { ...inventory, ...users, ...payments, ...shipping, ...orders, ...ofPlatform }
}

/** The names of what each service's worker offers. */
export const OFFERS = Object.fromEntries(
  Object.entries(byService(new Set())).map(([service, answers]) => [
    service,
    Object.keys({ ...answers, ...ofPlatform }),
  ]),
) as Record<keyof ServiceAnswers, (keyof Answers)[]>
