/** Follows one order through the public API and tells what happens to it, while it happens. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Order, TimelineEntry } from '#contracts/http/orders.ts'
import { isTerminal, ORDER } from '#contracts/states.ts'
import { ApiError, type ApiClient } from './client.ts'

export interface Follow {
  client: ApiClient
  order: Order
  /** Prints one line. */
  print: (line: string) => void
}

/** Who acts, apart from the platform. */
export type Actor = 'customer' | 'operator' | 'courier' | 'carrier' | 'bank' | 'provider'

export interface FollowedOrder {
  /** As it was placed. */
  placed: Order
  id: string
  /** Tells who does what, and does it. */
  act<Result>(who: Actor, what: string, deed: () => Promise<Result>): Promise<Result>
  /** Tells on until the order is so. @throws when it takes too long */
  until(what: string, condition: (order: Order) => boolean): Promise<Order>
  /** Tells on until nothing more can happen to the order. */
  end(): Promise<Order>
}

const POLL_MS = 600
const TIMEOUT_MS = 60_000
/** After the order's end the last events are still on their way. */
const SETTLE_MS = 400

export function followOrder({ client, order, print }: Follow): FollowedOrder {
  const placedAt = Date.parse(order.createdAt)
  const told = new Set<string>()

  async function tell(): Promise<void> {
    for (const entry of await patiently(() => client.readTimeline(order.id))) {
      const key = JSON.stringify(entry)
      if (told.has(key)) continue
      told.add(key)
      print(lineOf(entry, placedAt))
    }
  }

  const until: FollowedOrder['until'] = async (what, condition) => {
    for (const end = performance.now() + TIMEOUT_MS; ;) {
      const current = await patiently(() => client.readOrder(order.id))
      await tell()
      if (condition(current)) return current
      if (performance.now() > end) {
        throw new Error(`${order.number} is ${current.status} after ${TIMEOUT_MS / 1000} s, not ${what}`)
      }
      await sleep(POLL_MS)
    }
  }

  return {
    placed: order,
    id: order.id,
    async act(who, what, deed) {
      await tell()
      print(`${time(Date.now() - placedAt)}  ☞ ${who.padEnd(8)} ${what}`)
      return deed()
    },
    until,
    async end() {
      await until('at its end', ({ status }) => isTerminal(ORDER, status))
      await sleep(SETTLE_MS)
      await tell()
      const ended = await patiently(() => client.readOrder(order.id))
      const reason = ended.statusReason === null ? '' : ` (${ended.statusReason.message})`
      print(`${ended.number} is ${ended.status}${reason}`)
      return ended
    },
  }
}

/** Waits out the gateway's limit: several stories in one minute are more than one customer may ask. */
async function patiently<Result>(call: () => Promise<Result>): Promise<Result> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof ApiError) || error.problem.status !== 429) throw error
    await sleep(1_000 * Math.max(1, error.retryAfter))
    return patiently(call)
  }
}

const MARKS: Record<TimelineEntry['kind'], string> = {
  request: '→',
  step: '●',
  event: '✉',
  payment: '€',
  parcel: '▣',
  operator: '☞',
}

const time = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(3).padStart(8)} s`

function lineOf({ at, kind, name, status, detail }: TimelineEntry, placedAt: number): string {
  const text = `${name}${kind === 'step' ? ` ${status}` : ''}${detail === null ? '' : ` (${detail})`}`
  return `${time(Date.parse(at) - placedAt)}  ${MARKS[kind]} ${kind.padEnd(8)} ${text}`
}
