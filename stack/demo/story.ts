/** Places an order through the gateway and tells its story while it happens. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Order, TimelineEntry } from '#contracts/http/orders.ts'
import { formatMoney } from '#contracts/money.ts'
import { isTerminal, ORDER } from '#contracts/states.ts'
import type { ApiClient } from './client.ts'
import { DEMO_ADDRESS, type Scenario } from './scenarios.ts'

export interface Story {
  client: ApiClient
  scenario: Scenario
  /** Prints one line. */
  print: (line: string) => void
}

const POLL_MS = 150
const TIMEOUT_MS = 60_000
/** After the order's end the last events are still on their way. */
const SETTLE_MS = 400

/** @returns the order at its end @throws when it does not end as the scenario says */
export async function tellStory({ client, scenario, print }: Story): Promise<Order> {
  print(scenario.title)
  const order = await client.placeOrder({ ...scenario.order, shippingAddress: DEMO_ADDRESS })
  const goods = order.lines.map(({ quantity, name }) => `${quantity} × ${name}`).join(', ')
  print(`${order.number}: ${goods}, ${formatMoney(order.total, order.currency)} with tax and shipping`)

  const placedAt = Date.parse(order.createdAt)
  const told = new Set<string>()
  const tell = async (): Promise<void> => {
    for (const entry of await client.readTimeline(order.id)) {
      const key = JSON.stringify(entry)
      if (told.has(key)) continue
      told.add(key)
      print(lineOf(entry, placedAt))
    }
  }
  const deadline = performance.now() + TIMEOUT_MS
  let current = order
  while (!isTerminal(ORDER, current.status)) {
    if (performance.now() > deadline)
      throw new Error(`${order.number} is still ${current.status} after ${TIMEOUT_MS / 1000} s`)
    await tell()
    await sleep(POLL_MS)
    current = await client.readOrder(order.id)
  }
  await sleep(SETTLE_MS)
  await tell()
  const ended = await client.readOrder(order.id)
  if (ended.status !== scenario.endsAs)
    throw new Error(`${order.number} ended as ${ended.status}, not as ${scenario.endsAs}`)
  print(summaryOf(ended))
  return ended
}

const MARKS: Record<TimelineEntry['kind'], string> = {
  request: '→',
  step: '●',
  event: '✉',
  payment: '€',
  parcel: '▣',
  operator: '☞',
}

function lineOf({ at, kind, name, status, detail }: TimelineEntry, placedAt: number): string {
  const seconds = ((Date.parse(at) - placedAt) / 1000).toFixed(3).padStart(8)
  const text = `${name}${kind === 'step' ? ` ${status}` : ''}${detail === null ? '' : ` (${detail})`}`
  return `${seconds} s  ${MARKS[kind]} ${kind.padEnd(8)} ${text}`
}

function summaryOf(order: Order): string {
  const { authorized, captured } = order.payment
  const money = `authorized ${formatMoney(authorized, order.currency)}, captured ${formatMoney(captured, order.currency)}`
  const reason = order.statusReason === null ? '' : ` (${order.statusReason.message})`
  return `${order.number} is ${order.status}${reason}: ${money}`
}
