/** Orders live at random while parts of the platform are killed; then all are brought to an end, and the books are read. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Attention } from '#contracts/http/operations.ts'
import type { Order } from '#contracts/http/orders.ts'
import { isTerminal, ORDER } from '#contracts/states.ts'
import { check } from '../check/check.ts'
import { checkTargetOf } from '../check/target.ts'
import { createOutside } from '../demo/outside.ts'
import { untilHealthy, type Stack } from '../stack.ts'
import { breakablesOf } from './breakages.ts'
import { createCaller } from './callers.ts'
import { livesOf, type Life } from './lives.ts'
import { closingMove, MOVES, nextMove, type MoveName, type People } from './moves.ts'

export interface SoakOptions {
  seconds: number
  /** Of the lives; when they meet which breakage is a matter of time. */
  seed: number
  /** How many orders live at the same time. */
  customers: number
  onProgress: (message: string) => void
}

export interface SoakReport {
  orders: number
  /** How often what was done and answered, and how orders ended. */
  counts: Map<string, number>
  /** What must not be: broken invariants, orders without an end, answers that no client should get. */
  failures: string[]
}

const TURN_MS = 1_200
const BREAK_EVERY_MS = 8_000
const AWAY_MS = 1_500
const SETTLE_EVERY_MS = 3_000
/** Longer than the reconciliation needs to find what was lost, and the operator to answer what it asks. */
const SETTLED_AFTER_MS = 300_000

/** @param stack one of its own, whose parts are processes */
export async function soak(stack: Stack, options: SoakOptions): Promise<SoakReport> {
  const { seconds, seed, customers, onProgress } = options
  const counts = new Map<string, number>()
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1)
  const failures: string[] = []
  const caller = (name: string) =>
    createCaller(stack.gatewayUrl, `${name}@mainstay.test`, (defect) => failures.push(defect))
  const outside = createOutside(stack.ports)
  const people: People = {
    customer: caller('customer'),
    courier: caller('courier'),
    operator: caller('operator'),
    outside,
  }
  const orderIds: string[] = []
  const lives = livesOf(seed, 10_000)
  const deadline = performance.now() + seconds * 1_000
  const isOver = () => performance.now() > deadline
  const readOrder = (id: string) => people.customer.read<Order>(`/api/v1/orders/${id}`)

  await Promise.all([breakParts(), ...Array.from({ length: customers }, live)])
  onProgress(`${orderIds.length} orders were placed; everybody is brought to an end`)
  await untilHealthy(stack.gatewayUrl)
  await outside.mendProvider()
  const endless = await settle()
  failures.push(...endless.map(({ number, status }) => `${number} does not end: it is ${status}`))
  for (const id of orderIds) {
    const { status, payment } = await readOrder(id)
    count(`ended ${status}, payment ${payment.status}`)
  }
  for (const { invariant, subject, problem } of await check(await checkTargetOf(stack), { settled: true }))
    failures.push(`invariant ${invariant}: ${subject} ${problem}`)
  return { orders: orderIds.length, counts, failures }

  async function live(): Promise<void> {
    for (let life = lives.pop(); life !== undefined && !isOver(); life = lives.pop()) await liveOnce(life)
  }

  async function liveOnce({ order, chances }: Life): Promise<void> {
    const { said, body } = await people.customer.post<Order>('/api/v1/orders', order)
    count(`place ${said}`)
    if (said !== '201') return
    orderIds.push(body.id)
    for (const chance of chances) {
      await sleep((chance / 10_000) * 2 * TURN_MS)
      if (isOver()) return
      const now = await readOrder(body.id)
      const move = nextMove(now, chance)
      if (move !== undefined) await make(move, now, chance)
      else if (isTerminal(ORDER, now.status)) return
      if (chance % 5 === 0) await operate(chance % 2 === 0 ? 'retry' : 'resolve')
    }
  }

  /** What the outside world refuses (a parcel that nobody may move, a bank that is away) is no fault of the platform. */
  async function make(move: MoveName, order: Order, chance: number): Promise<void> {
    try {
      const answer = await MOVES[move].make(people, order, chance)
      count(`${move} ${answer?.said ?? 'done'}`)
    } catch (error) {
      count(`${move} failed: ${error instanceof Error ? error.name : String(error)}`)
    }
  }

  async function operate(wanted: 'retry' | 'resolve'): Promise<number> {
    const { data } = await people.operator.read<{ data: Attention[] }>(
      '/api/v1/operations/attention?limit=100',
    )
    for (const { orderId, operation, since, actions } of data) {
      const action = actions.includes(wanted) ? wanted : 'resolve'
      const answer = { action, since, note: 'seen to in the soak' }
      const { said } = await people.operator.post(`/api/v1/orders/${orderId}/operations`, answer)
      count(`${action} ${operation} ${said}`)
    }
    return data.length
  }

  async function breakParts(): Promise<void> {
    const parts = breakablesOf(stack)
    for (const { chances } of livesOf(seed + 1, 1_000)) {
      const [which = 0, pause = 0] = chances
      await sleep(BREAK_EVERY_MS / 2 + (pause / 10_000) * BREAK_EVERY_MS)
      const part = parts[which % parts.length]
      if (isOver() || part === undefined) return
      onProgress(`${part.name} is killed (${orderIds.length} orders so far)`)
      count(`kill ${part.name}`)
      await part.kill()
      await sleep(AWAY_MS)
      await part.start()
    }
  }

  /** @returns the orders that have not ended when the time for that is up */
  async function settle(): Promise<Order[]> {
    const until = performance.now() + SETTLED_AFTER_MS
    for (;;) {
      await sleep(SETTLE_EVERY_MS)
      const orders = await Promise.all(orderIds.map(readOrder))
      const open = orders.filter(
        (order) => !isTerminal(ORDER, order.status) || closingMove(order) !== undefined,
      )
      for (const order of open) {
        const move = closingMove(order)
        if (move !== undefined) await make(move, order, 0)
      }
      const questions = await operate('retry')
      if (open.length === 0 && questions === 0) return []
      if (performance.now() > until) return open
    }
  }
}
