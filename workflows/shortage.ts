/** Stock for the order: reserved at once, or after the customer's decision, or when it arrives. */
import type { StockRequest, StockAnswer, Shortage } from '#activities/inventory.ts'
import type { SkuQuantity } from '#contracts/schemas.ts'
import { asDuty, asStep, inventory, orders } from './doors.ts'
import { anythingAvailable } from './customer.ts'
import { continueWhenLong, undoneElsewhere, type OrderRun, type Rejection } from './run.ts'
import type { Step } from './saga.ts'
import { STEPS } from './steps.ts'
import { HOUR_SECONDS, inSeconds, isPast, waitUntil } from './waits.ts'

type OnShortage = NonNullable<StockRequest['onShortage']>

/** What the first request does when there is not enough. An order that asks is refused first, and asks then. */
const FIRST: Record<NonNullable<OrderRun['input']['onShortage']>, OnShortage> = {
  ask: 'refuse',
  reject: 'refuse',
  ship_available: 'take_available',
  backorder: 'backorder',
}

export const asksForDecision = ({ input }: OrderRun): boolean =>
  input.onShortage === 'ask' && input.policy.waits !== undefined

/** The order's first request; its compensation undoes every later one too. */
export const reserveStock = (run: OrderRun): Step<StockAnswer> => ({
  name: 'reserveInventory',
  execute: () => reserve(run, FIRST[run.input.onShortage ?? 'reject']),
  refusal,
  compensate: () =>
    inventory('release the stock', asDuty(run.input.policy)).releaseReservation({
      orderId: run.input.orderId,
    }),
})

const refusal = ({ outcome }: StockAnswer): string | undefined => (outcome === 'held' ? undefined : outcome)

function reserve({ input, state }: OrderRun, onShortage: OnShortage): Promise<StockAnswer> {
  const { orderId, lines, policy } = input
  const { reserveInventory } = inventory(`hold ${lines.length} lines`, asStep(policy))
  const wanted = lines.map(({ sku, quantity }) => ({ sku, quantity }))
  return reserveInventory({ orderId, lines: wanted, onShortage, request: state.requests.reservation })
}

const reserveAgain = (run: OrderRun, onShortage: OnShortage): Step<StockAnswer> => ({
  name: 'reserveInventory',
  execute: () => reserve(run, onShortage),
  refusal,
  compensate: { coveredBy: 'reserveInventory' },
})

/** Follows the order's policy until stock is held for it; or says why there is none. */
export async function secureStock(run: OrderRun, first: StockAnswer): Promise<Rejection | undefined> {
  if (first.outcome !== 'out_of_stock') return settle(run, first)
  const decision = await askForDecision(run, first.shortages)
  if (decision === undefined)
    return { code: 'expired', message: 'No decision about the shortage came in time.' }
  run.journal.note({ name: 'decideShortage', status: 'completed', detail: decision })
  await run.journal.enter('reserving', 'reserveInventory')
  run.state.requests.reservation += 1
  const again = reserveAgain(run, decision === 'wait' ? 'backorder' : 'take_available')
  return settle(run, await run.saga.run(again))
}

async function askForDecision(run: OrderRun, shortages: readonly Shortage[]) {
  const until = inSeconds(run.input.policy.waits?.decisionSeconds ?? 0)
  const move = { waitingFor: { what: 'shortage_decision' as const, until } }
  await run.journal.enter('awaiting_customer', 'awaitDecision', move)
  return run.customer.decision(until, { anythingAvailable: anythingAvailable(run.input.lines, shortages) })
}

async function settle(run: OrderRun, reserved: StockAnswer): Promise<Rejection | undefined> {
  if (reserved.outcome === 'released') throw undoneElsewhere('reservation')
  if (reserved.outcome === 'out_of_stock') return outOfStock(reserved)
  if (reserved.outcome === 'backordered') return backorder(run)
  run.state.allocations = reserved.allocations
  run.state.holdEnds = reserved.expiresAt
  return follow(run)
}

export function outOfStock({ shortages }: { shortages: readonly Shortage[] }): Rejection {
  const short = shortages.map(({ sku }) => sku).join(', ')
  return { code: 'out_of_stock', message: `Not enough stock of ${short}.` }
}

async function backorder(run: OrderRun): Promise<Rejection | undefined> {
  const until = inSeconds(run.input.policy.waits?.backorderSeconds ?? 0)
  await run.journal.enter('reserving', 'awaitStock', { waitingFor: { what: 'stock', until } })
  return waitForStock(run, until)
}

/**
 * Sleeps until the inventory says that the stock is there; asks by itself only now and then, should that word be lost, and
 * once more at the end.
 */
export async function waitForStock(run: OrderRun, until: string): Promise<Rejection | undefined> {
  const { customer, saga } = run
  for (;;) {
    const nextLook = inSeconds(HOUR_SECONDS)
    await waitUntil(nextLook < until ? nextLook : until, () => customer.stockHeld.rang, 'stock')
    customer.stockHeld.forget()
    const reserved = await saga.run(reserveAgain(run, 'backorder'))
    if (reserved.outcome !== 'backordered') return settle(run, reserved)
    if (isPast(until)) return { code: 'expired', message: 'The stock did not arrive in time.' }
    await continueWhenLong(run, { point: 'stock', until })
  }
}

/** Sells what is held. Where that is less than what was ordered, the order's lines and money follow. */
async function follow(run: OrderRun): Promise<undefined> {
  const { state, saga, journal } = run
  const held = quantities(state.allocations.flatMap(({ lines }) => lines))
  const ordered = quantities(state.terms.lines)
  if ([...ordered].every(([sku, quantity]) => held.get(sku) === quantity)) return
  state.requests.revision += 1
  state.terms = await saga.run(reviseOrder(run, held))
  journal.reprice(state.terms.total)
}

const reviseOrder = (
  { input, state }: OrderRun,
  held: Map<string, number>,
): Step<OrderRun['state']['terms']> => ({
  name: 'reviseOrder',
  execute: () => {
    const { orderId, policy } = input
    const lines = [...held].map(([sku, quantity]) => ({ sku, quantity }))
    const { reviseOrder: revise } = orders('sell what is in stock', asStep(policy))
    return revise({ orderId, revision: state.requests.revision, lines })
  },
  compensate: STEPS.reviseOrder.undoneBy,
})

function quantities(lines: readonly SkuQuantity[]): Map<string, number> {
  const sums = new Map<string, number>()
  for (const { sku, quantity } of lines) sums.set(sku, (sums.get(sku) ?? 0) + quantity)
  return sums
}
