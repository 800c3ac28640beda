/**
 * The steps of the order's saga: what each asks of a service, and what undoes it. A step that is not named here cannot be
 * run, and one that is has its row in the failure matrix (failure-matrix.test.ts).
 */
interface StepFacts {
  /** The activity that the step runs. */
  activity: string
  /** The activity that undoes it; null where there is nothing to undo. */
  undoneBy: string | null
}

export const STEPS = {
  reserveInventory: { activity: 'reserveInventory', undoneBy: 'releaseReservation' },
  screenFraud: { activity: 'screenCustomer', undoneBy: 'releaseScreening' },
  reviseOrder: { activity: 'reviseOrder', undoneBy: null },
  authorizePayment: { activity: 'authorizePayment', undoneBy: 'voidPayment' },
  extendReservation: { activity: 'extendReservation', undoneBy: 'releaseReservation' },
  confirmOrder: { activity: 'commitReservation', undoneBy: 'releaseReservation' },
  quoteAmendment: { activity: 'quoteAmendment', undoneBy: null },
  authorizeAmendment: { activity: 'authorizePayment', undoneBy: 'keepAuthorization' },
  reserveAmendment: { activity: 'reserveInventory', undoneBy: 'reserveInventory' },
} as const satisfies Record<string, StepFacts>

export type StepName = keyof typeof STEPS
