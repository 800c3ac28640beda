import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import type { PlaceOrderBody } from '#contracts/http/orders.ts'
import { DATABASE_NAMES } from '#contracts/services.ts'
import { orderWorkflowId, shipmentWorkflowId } from '#contracts/workflows.ts'
import type { CheckTarget } from '#stack/check/sources.ts'
import type { ApiClient } from '#stack/demo/client.ts'
import { eventsUnderWay } from './support/events-under-way.ts'
import { startOwnStack } from './support/own-stack.ts'
import { orderOf, type Shop } from './support/shop.ts'

/** A stack of its own: on everybody's, what earlier tests set going would be counted too. */
let shop: Shop
let target: CheckTarget

beforeAll(async () => {
  ;({ shop, target } = await startOwnStack({}))
  // PostgreSQL's own housekeeping takes transaction numbers too
  await shop.rows('orders', 'ALTER SYSTEM SET autovacuum = off')
  await shop.rows('orders', 'SELECT pg_reload_conf()')
})

interface Costs {
  /** Events in the history of the order's workflow and of its parcel's. */
  orderHistory: number
  shipmentHistory: number
  /** Transactions that wrote something, in all databases together. */
  commits: number
  /** Messages in the stream. */
  messages: number
}

/** Brings an order to its end. */
type Ending = (customer: ApiClient, id: string) => Promise<unknown>

/** What one order costs on a stack that does nothing else. */
async function costsOf(
  body: PlaceOrderBody,
  end: Ending = (customer, id) => shop.ends(customer, id),
): Promise<Costs> {
  const customer = await shop.customer()
  await settled()
  const before = await counters()
  const { id } = await customer.placeOrder(body)
  await end(customer, id)
  await settled()
  const after = await counters()
  const { shipments } = await customer.readOrder(id)
  const [shipment] = shipments
  return {
    orderHistory: await historyLength(orderWorkflowId(id)),
    shipmentHistory: shipment === undefined ? 0 : await historyLength(shipmentWorkflowId(shipment.id)),
    commits: after.transactions - before.transactions,
    messages: after.messages - before.messages,
  }
}

const historyLength = async (workflowId: string): Promise<number> =>
  (await shop.sources.temporal.workflow.getHandle(workflowId).describe()).historyLength

/** Only transactions that write get a number: polling costs none. */
async function counters(): Promise<{ transactions: number; messages: number }> {
  const [row] = await shop.rows<{ next: string }>(
    'orders',
    'SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS next',
  )
  const counts = await Promise.all(
    DATABASE_NAMES.map((name) =>
      shop.rows<{ count: string }>(name, 'SELECT count(*) FROM outbox WHERE published_at IS NOT NULL'),
    ),
  )
  return {
    transactions: Number(row?.next),
    messages: counts.flat().reduce((sum, { count }) => sum + Number(count), 0),
  }
}

/** Waits until nothing has been written for a second, and no event is on its way. */
async function settled(): Promise<void> {
  for (let last = -1, quiet = 0; quiet < 4;) {
    const { transactions } = await counters()
    quiet = transactions === last && (await eventsUnderWay(shop, target)) === 0 ? quiet + 1 : 0
    last = transactions
    await sleep(250)
  }
}

/** A figure of this test is printed, so that the documentation can quote it. */
const print = (what: string, costs: Costs): void =>
  void process.stdout.write(`${what}: ${JSON.stringify(costs)}\n`)

describe('what an order costs', () => {
  it('stays within its budget when it goes through', async () => {
    const costs = await costsOf(orderOf())
    print('accepted order, one parcel', costs)
    expect(costs.messages).toBe(16)
    expect(costs.orderHistory).toBeLessThanOrEqual(60)
    expect(costs.shipmentHistory).toBeLessThanOrEqual(40)
    expect(costs.commits).toBeLessThanOrEqual(80)
  })

  it('stays within its budget when the payment is declined three times', async () => {
    const declined = { paymentMethod: 'pm_card_visa_chargeDeclined' }
    const costs = await costsOf(orderOf(declined), (customer, id) =>
      shop.insists(customer, id, declined.paymentMethod),
    )
    print('order declined three times', costs)
    expect(costs.messages).toBe(15)
    expect(costs.orderHistory).toBeLessThanOrEqual(105)
    expect(costs.shipmentHistory).toBe(0)
    expect(costs.commits).toBeLessThanOrEqual(110)
  })

  it('costs little when there is no stock', async () => {
    const costs = await costsOf(orderOf({ lines: [{ sku: 'CHAIR-ASH', quantity: 1 }] }))
    print('order without stock', costs)
    expect(costs.orderHistory).toBeLessThanOrEqual(35)
    expect(costs.commits).toBeLessThanOrEqual(25)
  })
})
