/**
 * The stock of an amendment. What the order has stays promised beside what it is to have until the change is made or given
 * up: then nobody else has taken it, and neither way can be refused.
 */
import type { StockRequest, StockAnswer } from '#activities/inventory.ts'
import { ApplicationFailure } from '@temporalio/workflow'
import type { Allocation } from '#contracts/schemas.ts'
import type { OrderState, OrderTerms } from '#contracts/workflows.ts'
import { asDuty, asStep, inventory } from './doors.ts'
import type { OrderRun } from './run.ts'
import type { Step } from './saga.ts'

type Extras = Pick<StockRequest, 'keepPrevious' | 'from'>

/** Asks for lines by a further request. What it is answered is the caller's to keep. */
async function reserve(
  { input, state }: OrderRun,
  lines: OrderTerms['lines'],
  retry: ReturnType<typeof asStep>,
  extras: Extras = {},
): Promise<StockAnswer> {
  const { reserveInventory } = inventory(`hold ${lines.length} lines instead`, retry)
  return reserveInventory({
    orderId: input.orderId,
    lines: lines.map(({ sku, quantity }) => ({ sku, quantity })),
    onShortage: 'refuse',
    request: state.requests.reservation,
    ...extras,
  })
}

function nextRequest({ state }: OrderRun): void {
  state.requests = { ...state.requests, reservation: state.requests.reservation + 1 }
}

/** Promises the lines of the order's new terms; undone, the order has the old ones, from where it had them. */
export function reserveAmendment(
  run: OrderRun,
  before: OrderState,
  { keepsPrevious }: { keepsPrevious: boolean },
): Step<StockAnswer> {
  const { input, state } = run
  const wanted = state.terms.lines
  let refused = false
  nextRequest(run)
  return {
    name: 'reserveAmendment',
    execute: () =>
      reserve(run, wanted, asStep(input.policy), keepsPrevious ? { keepPrevious: true } : undefined),
    refusal: ({ outcome }) => {
      refused = outcome !== 'held'
      return refused ? outcome : undefined
    },
    // nobody may know whether the new lines are held: the old ones are asked for again, by a request that comes after
    async compensate() {
      if (refused) return
      nextRequest(run)
      const { terms, allocations } = before
      const back = keepsPrevious ? { from: allocations } : undefined
      state.allocations = heldBy(await reserve(run, terms.lines, asDuty(input.policy), back))
    },
  }
}

/** Whether something is promised that the order does not have any more. */
export const leavesSurplus = (before: readonly Allocation[], after: readonly Allocation[]): boolean =>
  before.some(({ warehouse, lines }) =>
    lines.some(({ sku, quantity }) => quantity > unitsAt(after, warehouse, sku)),
  )

function unitsAt(allocations: readonly Allocation[], warehouse: string, sku: string): number {
  const lines = allocations.filter((each) => each.warehouse === warehouse).flatMap((each) => each.lines)
  return lines.reduce((units, line) => units + (line.sku === sku ? line.quantity : 0), 0)
}

/** Promises what the order has, and no more. */
export async function keepReservation(run: OrderRun): Promise<void> {
  const { input, state } = run
  nextRequest(run)
  const { terms, allocations } = state
  state.allocations = heldBy(await reserve(run, terms.lines, asDuty(input.policy), { from: allocations }))
}

function heldBy(result: StockAnswer): Allocation[] {
  if (result.outcome === 'held') return result.allocations
  throw ApplicationFailure.nonRetryable('What the order had before the change is not in stock any more.')
}
