/**
 * Every step of the order's saga × everything that can happen to it, and what is left of the order then: exactly so much
 * stock, money and spending, this status, and this question to an operator.
 */
import type { PaymentRequest } from '#activities/payments.ts'
import type { StockRequest } from '#activities/inventory.ts'
import type { ScreenCustomerInput } from '#activities/users.ts'
import type { OrderInput } from '#contracts/workflows.ts'
import { STEPS, type StepName } from '#workflows/steps.ts'
import type { Answers } from './saga-answers.ts'
import { refusedFor } from './saga.ts'

export const FAULTS = {
  refused: 'business refusal',
  before: 'timeout before the effect',
  after: 'timeout after the effect',
  exhausted: 'retries exhausted',
  cancelled: 'cancelled while running',
  restarted: 'worker restarted',
} as const

export type Fault = keyof typeof FAULTS

/** Work after the confirmation that is no step of the saga: nothing undoes it, a person decides. */
export const DUTIES = ['keepReservation', 'bookShipment', 'capturePayment'] as const

export type RowName = StepName | (typeof DUTIES)[number]

/** What is left of an order when it has ended. An effect that is not here, and in remains.ts, leaks unseen. */
export interface Remains {
  status: string
  stock: { available: number; held: number; committed: number; shipped: number }
  /** Minor units, as the provider's own books have them. */
  money: { authorized: number; captured: number }
  /** What the order counts for against its customer's limit. */
  spent: number
}

export interface Cell extends Remains {
  closes: 'COMPLETED' | 'FAILED' | 'CANCELLED'
  /** What an operator is asked about on the way. */
  asks?: string
}

export interface Row {
  activity: keyof Answers
  /** Which calls of the activity are this step's. */
  isHit?: (argument: never) => boolean
  /** The service's answer when it refuses: given, or thrown. */
  refusal: () => unknown
  /** What brings an order to this step. */
  order?: Pick<OrderInput, 'onShortage'>
  world?: { available?: number }
  /** The first payment method is declined, and another one given. */
  declinedOnce?: true
  /** It is amended to so many units. */
  amends?: number
  /** What the operator says when the step was refused. */
  resolves?: true
  cells: Record<Fault, Cell>
}

/** Nothing is left of the order but its row. */
const nothing = (status: 'rejected' | 'cancelled', available = 10): Remains => ({
  status,
  stock: { available, held: 0, committed: 0, shipped: 0 },
  money: { authorized: 0, captured: 0 },
  spent: 0,
})

/** So many units are shipped, kept and paid. */
const sold = (units: number, available = 10): Cell => ({
  status: 'completed',
  closes: 'COMPLETED',
  stock: { available: available - units, held: 0, committed: 0, shipped: units },
  money: { authorized: 0, captured: units * 1000 + 500 },
  spent: units * 1000 + 500,
})

const rejected = (available?: number): Cell => ({ ...nothing('rejected', available), closes: 'COMPLETED' })
const failed = (available?: number): Cell => ({ ...nothing('rejected', available), closes: 'FAILED' })
const cancelled = (available?: number): Cell => ({ ...nothing('cancelled', available), closes: 'CANCELLED' })

/** What becomes of a step that comes before the confirmation. */
const undone = (refused: Cell, done = sold(2), available = 10): Row['cells'] => ({
  refused,
  before: done,
  after: done,
  exhausted: failed(available),
  cancelled: cancelled(available),
  restarted: done,
})

/** What becomes of a step of an amendment: the order is as it was, or another one, or cancelled after it is either. */
const amended: Row['cells'] = {
  refused: sold(2),
  before: sold(3),
  after: sold(3),
  exhausted: sold(2),
  cancelled: cancelled(),
  restarted: sold(3),
}

const refuse = (): never => {
  throw refusedFor('no')
}

const outOfStock = () => ({
  outcome: 'out_of_stock',
  shortages: [{ sku: 'MUG-WHITE', requested: 2, available: 0 }],
})
const declined = () => ({ outcome: 'declined', code: 'card_declined' })
const secondRequest = ({ request }: StockRequest | PaymentRequest | ScreenCustomerInput): boolean =>
  request === 2
const amendment = { amends: 3 } as const

const STEP_ROWS: Record<StepName, Omit<Row, 'activity'>> = {
  reserveInventory: { refusal: outOfStock, cells: undone(rejected()) },
  screenFraud: {
    refusal: () => ({ outcome: 'refused', code: 'spending_limit' }),
    cells: undone(rejected()),
  },
  reviseOrder: {
    refusal: refuse,
    order: { onShortage: 'ship_available' },
    world: { available: 1 },
    cells: undone(failed(1), sold(1, 1), 1),
  },
  authorizePayment: { refusal: declined, cells: undone(rejected()) },
  extendReservation: { refusal: refuse, declinedOnce: true, cells: undone(failed()) },
  confirmOrder: { refusal: refuse, cells: undone(failed()) },
  quoteAmendment: {
    ...amendment,
    refusal: () => ({ outcome: 'refused', code: 'product_inactive', message: 'no' }),
    cells: amended,
  },
  screenAmendment: {
    ...amendment,
    isHit: secondRequest,
    refusal: () => ({ outcome: 'refused', code: 'spending_limit' }),
    cells: amended,
  },
  authorizeAmendment: { ...amendment, isHit: secondRequest, refusal: declined, cells: amended },
  reserveAmendment: { ...amendment, isHit: secondRequest, refusal: outOfStock, cells: amended },
}

export const MATRIX: Record<RowName, Row> = {
  ...mapSteps(),
  // an amendment gives up a unit: it has two until it is made
  keepReservation: {
    activity: 'reserveInventory',
    amends: 1,
    isHit: ({ request }: StockRequest) => request === 3,
    refusal: refuse,
    cells: {
      refused: { ...sold(1), asks: 'keepReservation' },
      before: sold(1),
      after: sold(1),
      exhausted: { ...sold(1), asks: 'keepReservation' },
      cancelled: cancelled(),
      restarted: sold(1),
    },
  },
  bookShipment: {
    activity: 'bookShipment',
    refusal: refuse,
    resolves: true,
    cells: {
      refused: { ...sold(0), money: { authorized: 0, captured: 0 }, spent: 0, asks: 'ship' },
      before: sold(2),
      after: sold(2),
      exhausted: { ...sold(2), asks: 'ship' },
      cancelled: cancelled(),
      restarted: sold(2),
    },
  },
  capturePayment: {
    activity: 'capturePayment',
    refusal: () => ({ outcome: 'refused', code: 'capture_failed' }),
    cells: {
      refused: { ...sold(2), asks: 'capture_failed' },
      before: sold(2),
      after: sold(2),
      exhausted: { ...sold(2), asks: 'capture_failed' },
      // the parcel has left: the cancellation is refused
      cancelled: sold(2),
      restarted: sold(2),
    },
  },
}

function mapSteps(): Record<StepName, Row> {
  const named = (name: StepName): Row => ({ activity: STEPS[name].activity, ...STEP_ROWS[name] })
  return Object.fromEntries(Object.keys(STEPS).map((name) => [name, named(name as StepName)])) as Record<
    StepName,
    Row
  >
}

/** The matrix for people. */
export function printMatrix(): string {
  const describe = ({ status, closes, stock, money, asks }: Cell): string =>
    [
      `${status}${closes === 'FAILED' ? ' (technical)' : ''}`,
      ...(stock.shipped > 0 ? [`${stock.shipped} shipped, ${money.captured} captured`] : []),
      ...(asks === undefined ? [] : [`operator: ${asks}`]),
    ].join(', ')
  const rows = Object.entries(MATRIX).map(([name, { cells }]) => [
    name,
    ...Object.keys(FAULTS).map((fault) => describe(cells[fault as Fault])),
  ])
  const table = [['step', ...Object.values(FAULTS)], ...rows]
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  return table.map((row) => row.map((text, column) => text.padEnd(widths[column]!)).join('  ')).join('\n')
}
