/**
 * The steps of the order's saga: what each asks of a service, and what undoes it. A step that is not named here cannot be
 * run, and one that is has its row in the failure matrix (failure-matrix.test.ts).
 */
import type { InventoryActivities } from '#activities/inventory.ts'
import type { OrdersActivities } from '#activities/orders.ts'
import type { PaymentsActivities } from '#activities/payments.ts'
import type { ShippingActivities } from '#activities/shipping.ts'
import type { UsersActivities } from '#activities/users.ts'

type ActivityName =
  | keyof InventoryActivities
  | keyof UsersActivities
  | keyof PaymentsActivities
  | keyof ShippingActivities
  | keyof OrdersActivities

interface StepFacts {
  /** The activity that the step runs. */
  activity: ActivityName
  /** The activity that undoes it, or why nothing has to. */
  undoneBy: ActivityName | { nothingToUndo: string }
}

export const STEPS = {
  reserveInventory: { activity: 'reserveInventory', undoneBy: 'releaseReservation' },
  screenFraud: { activity: 'screenCustomer', undoneBy: 'releaseScreening' },
  reviseOrder: {
    activity: 'reviseOrder',
    undoneBy: { nothingToUndo: 'an order that comes to nothing sells neither what was ordered nor less' },
  },
  authorizePayment: { activity: 'authorizePayment', undoneBy: 'voidPayment' },
  extendReservation: { activity: 'extendReservation', undoneBy: 'releaseReservation' },
  confirmOrder: { activity: 'commitReservation', undoneBy: 'releaseReservation' },
  quoteAmendment: {
    activity: 'quoteAmendment',
    undoneBy: { nothingToUndo: 'a quote changes nothing' },
  },
  screenAmendment: { activity: 'screenCustomer', undoneBy: 'releaseScreening' },
  reserveAmendment: { activity: 'reserveInventory', undoneBy: 'reserveInventory' },
  authorizeAmendment: { activity: 'authorizePayment', undoneBy: 'keepAuthorization' },
} as const satisfies Record<string, StepFacts>

export type StepName = keyof typeof STEPS
