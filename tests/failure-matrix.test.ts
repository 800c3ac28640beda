import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Problem } from '#contracts/schemas.ts'
import { isTerminal, ORDER, type OrderStatus } from '#contracts/states.ts'
import { orderWorkflowId, shipmentIdOf } from '#contracts/workflows.ts'
import { check } from '#stack/check/check.ts'
import type { ApiAnswer, ApiClient } from '#stack/demo/client.ts'
import type { CheckTarget } from '#stack/check/sources.ts'
import { STEPS } from '#workflows/steps.ts'
import {
  DUTIES,
  FAULTS,
  MATRIX,
  printMatrix,
  type Cell,
  type Fault,
  type RowName,
} from './support/failure-matrix.ts'
import { createFaultyDoors } from './support/faulty-doors.ts'
import { lendHands, type HelpingHands } from './support/helping-hands.ts'
import { readRemains } from './support/remains.ts'
import { startOwnStack } from './support/own-stack.ts'
import { orderOf, type Shop } from './support/shop.ts'

const names = Object.keys(MATRIX) as RowName[]
const faults = Object.keys(FAULTS) as Fault[]
/** Which faults are met at the same time; a restart comes by itself: it is a failed attempt for whatever is running. */
const WAVES: Fault[][] = [['refused', 'before'], ['after', 'exhausted'], ['cancelled']]

/** One real order on its way through one cell. */
interface Run {
  row: RowName
  fault: Fault
  sku: string
  orderId: string
  hits: number
  /** The activities that were asked for it, in order. */
  asked: string[]
  reached: PromiseWithResolvers<void>
  release: PromiseWithResolvers<void>
  healed: boolean
  ended: boolean
}

type Ending = Pick<Cell, 'closes' | 'asks'>

let target: CheckTarget
let shop: Shop
let customer: ApiClient
let operator: ApiClient
let hands: HelpingHands
/** What 0, 1, 2 and 3 units cost. */
let totals: number[]
const runs: Run[] = []
const results = new Map<string, Promise<Ending>>()

/** Workflows start as soon as an order is stored, which may be before this test has its id. */
const known = new Map<string, PromiseWithResolvers<Run>>()
function knownAs(id: string): PromiseWithResolvers<Run> {
  const waiting = known.get(id) ?? Promise.withResolvers<Run>()
  known.set(id, waiting)
  return waiting
}

/** Does the service's own work, with the fault of the order's cell. */
const doors = createFaultyDoors(async (name, argument, work) => {
  const { orderId, shipmentId } = argument as { orderId?: string; shipmentId?: string }
  const id = orderId ?? shipmentId
  if (id === undefined) return work()
  const run = await knownAs(id).promise
  run.asked.push(name)
  const { activity, isHit, refusal } = MATRIX[run.row]
  if (name !== activity || (isHit !== undefined && !isHit(argument as never)) || run.healed) return work()
  run.hits += 1
  run.reached.resolve()
  const { fault, hits } = run
  if (fault === 'refused') return refusal()
  if (fault === 'cancelled' || fault === 'restarted') await run.release.promise
  if (fault === 'before' && hits === 1) throw new Error('timed out')
  const done = await work()
  if ((fault === 'after' && hits === 1) || fault === 'exhausted') throw new Error('timed out')
  return done
})

beforeAll(async () => {
  ;({ target, shop } = await startOwnStack({
    settings: {
      LIMIT_ORDERS_PER_MINUTE: '100000',
      SPENDING_LIMIT: '100000000',
      AMENDMENT_SECONDS: '6',
      HOLD_MINUTES: '10',
      PAYMENT_ACTION_SECONDS: '300',
      PAYMENT_TRIES: '2',
      CARRIER_DISPATCH_MS: 'manual',
      CARRIER_DELIVERY_MS: 'manual',
    },
    aroundTemporal: doors.around,
  }))
  ;[customer, operator] = await Promise.all([shop.customer(), shop.operator()])
  hands = await lendHands(shop, {
    answer(orderId) {
      const run = runs.find((each) => each.orderId === orderId)!
      run.healed = true
      return run.fault === 'refused' && MATRIX[run.row].resolves ? 'resolve' : 'retry'
    },
  })
  totals = await quoteTotals()
  for (const wave of WAVES) {
    await Promise.all(wave.flatMap((fault) => names.map((row) => begin(row, fault))))
    await Promise.allSettled(results.values())
  }
  await restart()
  await Promise.allSettled(results.values())
}, 400_000)

afterAll(async () => {
  await hands.stop()
})

async function quoteTotals(): Promise<number[]> {
  const sku = await shop.product({ AMS: 10 }, operator)
  const { shippingAddress } = orderOf()
  const quote = async (quantity: number) => {
    const body = { lines: [{ sku, quantity }], shippingAddress }
    return (await customer.request<{ total: number }>('POST', '/api/v1/quotes', { body })).total
  }
  return [0, await quote(1), await quote(2), await quote(3)]
}

/** The matrix counts in mugs of 10.00 and 5.00 of shipping; the shop has prices of its own. */
function priced({ money, spent, ...cell }: Cell): Cell {
  const price = (amount: number): number => (amount === 0 ? 0 : totals[(amount - 500) / 1000]!)
  return {
    ...cell,
    money: { authorized: price(money.authorized), captured: price(money.captured) },
    spent: price(spent),
  }
}

/** New workers for orders whose steps the old ones have begun. */
async function restart(): Promise<void> {
  const held = await Promise.all(names.map((row) => begin(row, 'restarted')))
  await Promise.all(held.map((run) => Promise.race([run.reached.promise, results.get(nameOf(run))])))
  await doors.restart(() => runs.forEach(({ release }) => release.resolve()))
}

const nameOf = ({ row, fault }: Pick<Run, 'row' | 'fault'>): string => `${row} ${fault}`

/** Places an order for a product of its own, and follows it to its end in `results`. */
async function begin(row: RowName, fault: Fault): Promise<Run> {
  const { world, order, declinedOnce } = MATRIX[row]
  const sku = await shop.product({ AMS: world?.available ?? 10 }, operator)
  const { id } = await customer.placeOrder(
    orderOf({
      lines: [{ sku, quantity: 2 }],
      ...(order?.onShortage === undefined ? {} : { onShortage: order.onShortage }),
      ...(declinedOnce ? { paymentMethod: 'pm_card_visa_chargeDeclined' } : {}),
    }),
  )
  const run: Run = {
    row,
    fault,
    sku,
    orderId: id,
    hits: 0,
    asked: [],
    reached: Promise.withResolvers(),
    release: Promise.withResolvers(),
    healed: false,
    ended: false,
  }
  runs.push(run)
  knownAs(id).resolve(run)
  knownAs(shipmentIdOf(id, 0)).resolve(run)
  const result = follow(run)
  result.catch(() => {}) // each test looks at its own
  results.set(nameOf(run), result)
  return run
}

/** Does what the order's customer is to do, until the order has ended. */
async function follow(run: Run): Promise<Ending> {
  const { row, fault, orderId, sku } = run
  const { declinedOnce, amends } = MATRIX[row]
  /** Sends again, as it was, what nobody could take in that moment. */
  async function post(what: string, body: object): Promise<ApiAnswer<Problem>> {
    const key = randomUUID()
    for (;;) {
      const answer = await customer.post<Problem>(`/api/v1/orders/${orderId}/${what}`, body, key)
      if (answer.status < 500 || run.ended) return answer
    }
  }
  /** Asks again while it is too early for that, until the order has ended. */
  async function insist(what: string, body: object, tooEarly: string): Promise<void> {
    while (!run.ended) {
      const { status, body: problem } = await post(what, body)
      if (status < 400 || problem.code !== tooEarly) return
      await sleep(250)
    }
  }
  async function cancel(): Promise<void> {
    await run.reached.promise
    await post('cancel', {})
    run.release.resolve()
  }
  const handle = shop.sources.temporal.workflow.getHandle(orderWorkflowId(orderId))
  const tasks = [untilEnded(run)]
  // where every card is declined the second try is the last
  if (declinedOnce || (row === 'authorizePayment' && fault === 'refused')) {
    tasks.push(insist('payment-method', { paymentMethod: 'pm_card_visa' }, 'no_payment_method_waiting'))
  }
  if (amends !== undefined) {
    const lines = [{ sku, quantity: amends }]
    tasks.push(insist('amendments', { lines }, 'order_not_amendable'))
  }
  if (fault === 'cancelled') tasks.push(cancel())
  await Promise.all(tasks)
  // its row is written before it closes
  await handle.result().catch(() => {})
  const [asked] = await shop.rows<{ operation: string }>(
    'orders',
    `SELECT payload->>'operation' AS operation FROM outbox
     WHERE aggregate_id = '${orderId}' AND type = 'order.attention_raised' ORDER BY version LIMIT 1`,
  )
  return {
    closes: (await handle.describe()).status.name as Cell['closes'],
    ...(asked === undefined ? {} : { asks: asked.operation }),
  }
}

async function untilEnded(run: Run): Promise<void> {
  while (!run.ended) {
    await sleep(250)
    const [row] = await shop.rows<{ status: OrderStatus }>(
      'orders',
      `SELECT status FROM orders WHERE id = '${run.orderId}'`,
    )
    run.ended = isTerminal(ORDER, row!.status)
  }
}

afterAll(() => void process.stdout.write(`\n${printMatrix()}\n`))

describe('the failure matrix', () => {
  it('has a row for every step of the saga, and a cell for everything that can happen to it', () => {
    expect(names).toEqual([...Object.keys(STEPS), ...DUTIES])
    for (const name of names) expect(Object.keys(MATRIX[name].cells)).toEqual(faults)
  })

  it.each(Object.entries(STEPS))('undoes %s by its compensation', (row, { activity, undoneBy }) => {
    const { asked } = runs.find((each) => each.row === row && each.fault === 'exhausted')!
    expect(asked).toContain(activity)
    if (typeof undoneBy !== 'string') return
    const message = `${undoneBy}, which undoes ${row} (workflows/steps.ts), was not asked after ${activity}: ${asked.join(', ')}`
    expect(asked.slice(asked.indexOf(activity) + 1), message).toContain(undoneBy)
  })

  it.each(names.flatMap((row) => faults.map((fault) => [row, FAULTS[fault], fault] as const)))(
    '%s, %s',
    async (row, _title, fault) => {
      const { asks, closes, ...remains } = priced(MATRIX[row].cells[fault])
      const run = runs.find((each) => each.row === row && each.fault === fault)
      expect(await results.get(nameOf({ row, fault }))).toEqual({
        closes,
        ...(asks === undefined ? {} : { asks }),
      })
      // what follows from events comes a moment later
      await expect.poll(() => readRemains(shop, run!), { interval: 200 }).toEqual(remains)
    },
  )

  it('leaves every promise kept', async () => {
    expect(await check(target, { settled: true })).toEqual([])
  })
})
