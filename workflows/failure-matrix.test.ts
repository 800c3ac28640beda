import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { WorkflowHandle } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { orderWorkflowId, shipmentWorkflowId } from '#contracts/workflows.ts'
import {
  DUTIES,
  FAULTS,
  MATRIX,
  printMatrix,
  type Cell,
  type Fault,
  type RowName,
} from '#tests/support/failure-matrix.ts'
import { INVENTORY, ORDERS, PAYMENTS, SHIPPING, USERS, type Answers } from '#tests/support/saga-answers.ts'
import { orderOf, waiting } from '#tests/support/saga.ts'
import { createWorld, type World } from '#tests/support/saga-world.ts'
import { startRestartable, type Workers } from '#tests/support/temporal.ts'
import { STEPS } from './steps.ts'

const names = Object.keys(MATRIX) as RowName[]
const faults = Object.keys(FAULTS) as Fault[]

/** One order on its way through one cell. */
interface Run {
  row: RowName
  fault: Fault
  orderId: string
  world: World
  hits: number
  /** Every call that was made for it. */
  calls: string[]
  reached: PromiseWithResolvers<void>
  release: PromiseWithResolvers<void>
  healed: boolean
}

const runs = new Map<string, Run>()
const results = new Map<string, Promise<Cell>>()
let workers: Workers

/** Answers from the order's own world, with the fault of its cell. */
async function answer(
  name: keyof Answers,
  argument: { orderId?: string; shipmentId?: string },
): Promise<unknown> {
  const run = runs.get(argument.orderId ?? '') ?? runs.get(argument.shipmentId ?? '')
  if (run === undefined) throw new Error(`${name} for nobody`)
  if (argument.shipmentId !== undefined) runs.set(argument.shipmentId, run)
  run.calls.push(name)
  const { activity, isHit, refusal, declinedOnce } = MATRIX[run.row]
  const work = () => (run.world.answers[name] as (argument: unknown) => Promise<unknown>)(argument)
  if (declinedOnce && name === 'authorizePayment' && 'request' in argument && argument.request === 1)
    return { outcome: 'declined', code: 'card_declined' }
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
}

const doors = (...activities: readonly (keyof Answers)[]): object =>
  Object.fromEntries(activities.map((name) => [name, (argument = {}) => answer(name, argument)]))

beforeAll(async () => {
  workers = await startRestartable({
    inventory: doors(...INVENTORY),
    users: doors(...USERS),
    payments: doors(...PAYMENTS),
    shipping: doors(...SHIPPING),
    orders: {
      ...doors(...ORDERS),
      requestCancellation: ({ workflowId }: { workflowId: string }) =>
        workers.client.workflow.getHandle(workflowId).cancel(),
    },
  })
  const begin = (row: RowName, fault: Fault): Run => {
    const run = prepare(row, fault)
    const result = follow(run)
    result.catch(() => {}) // each test looks at its own
    results.set(`${row} ${fault}`, result)
    return run
  }
  for (const fault of faults) if (fault !== 'restarted') names.forEach((row) => begin(row, fault))
  await Promise.allSettled(results.values())
  // after the others: a restart is a failed attempt for whatever is running
  const held = names.map((row) => begin(row, 'restarted'))
  await Promise.all(held.map(({ reached }) => reached.promise))
  await workers.restart(() => held.forEach(({ release }) => release.resolve()))
}, 180_000)

function prepare(row: RowName, fault: Fault): Run {
  const orderId = randomUUID()
  const { world } = MATRIX[row]
  const run: Run = {
    row,
    fault,
    orderId,
    world: createWorld(world),
    hits: 0,
    calls: [],
    reached: Promise.withResolvers(),
    release: Promise.withResolvers(),
    healed: false,
  }
  runs.set(orderId, run)
  return run
}

/** Runs an order to its end, with a customer, a courier and an operator who do their part. */
async function follow(run: Run): Promise<Cell> {
  const { row, fault, orderId, world } = run
  const { order: change, waits, declinedOnce, amends } = MATRIX[row]
  const handle: WorkflowHandle = await workers.client.workflow.start('order', {
    workflowId: orderWorkflowId(orderId),
    taskQueue: 'orders',
    args: [
      orderOf({ orderId, policy: waiting({ paymentTries: declinedOnce ? 2 : 1, ...waits }), ...change }),
    ],
  })
  const order = { ended: false }
  const result = handle.result().then(end, end)
  function end(): void {
    order.ended = true
  }
  /** Tries now and then, until it has worked or the order has ended. */
  const insist = async (work: () => Promise<unknown>) => {
    while (!order.ended) {
      const done = await work().then(
        () => true,
        () => false,
      )
      if (done) return
      await sleep(150)
    }
  }
  const update = (name: string, argument: object) => handle.executeUpdate(name, { args: [argument] })
  const tasks = [deliver(), operate()]
  if (declinedOnce) {
    tasks.push(insist(() => update('changePaymentMethod', { paymentMethod: 'pm_other', by: 'customer' })))
  }
  if (amends) tasks.push(insist(() => update('amend', { amendmentId: 'a-1', by: 'customer' })))
  if (fault === 'cancelled') {
    await run.reached.promise
    await update('cancel', { by: 'customer', reason: null }).catch(() => {})
    run.release.resolve()
  }
  await result
  await Promise.all(tasks)
  const { status } = await handle.describe()
  const [asks] = world.concerns
  return {
    ...world.remains(),
    closes: status.name as Cell['closes'],
    ...(asks === undefined ? {} : { asks }),
  }

  async function deliver(): Promise<void> {
    const left = new Set<string>()
    while (!order.ended) {
      for (const id of world.booked) {
        if (left.has(id)) continue
        const parcel = workers.client.workflow.getHandle(shipmentWorkflowId(id))
        const report = (seen: string) =>
          parcel.executeUpdate('report', {
            args: [{ status: seen, at: new Date().toISOString(), source: 'courier' }],
          })
        await report('dispatched')
          .then(() => report('delivered'))
          .then(() => left.add(id))
          .catch(() => {})
      }
      await sleep(150)
    }
  }

  async function operate(): Promise<void> {
    const resolves = fault === 'refused' && MATRIX[row].resolves
    while (!order.ended) {
      if (world.unanswered) {
        run.healed = true
        const action = resolves ? 'resolve' : 'retry'
        await update('operate', { action, by: 'op', note: 'seen to' }).catch(() => {})
      }
      await sleep(150)
    }
  }
}

afterAll(() => void process.stdout.write(`\n${printMatrix()}\n`))

describe('the failure matrix', () => {
  it('has a row for every step of the saga, and a cell for everything that can happen to it', () => {
    expect(names).toEqual([...Object.keys(STEPS), ...DUTIES])
    for (const name of names) expect(Object.keys(MATRIX[name].cells)).toEqual(faults)
  })

  it.each(names.flatMap((row) => faults.map((fault) => [row, FAULTS[fault], fault] as const)))(
    '%s, %s',
    async (row, _title, fault) => {
      expect(await results.get(`${row} ${fault}`)).toEqual(MATRIX[row].cells[fault])
    },
    120_000,
  )

  it.each(Object.entries(STEPS))('undoes %s by its compensation', async (name, { activity, undoneBy }) => {
    await results.get(`${name} exhausted`)
    const run = [...runs.values()].find(({ row, fault }) => row === name && fault === 'exhausted')
    if (undoneBy === null) return
    expect(run!.calls.lastIndexOf(undoneBy)).toBeGreaterThan(run!.calls.indexOf(activity))
  })
})
