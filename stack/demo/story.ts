/** Follows one order through the public API and tells what happens to it, while it happens. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Order, TimelineEntry } from '#contracts/http/orders.ts'
import { isTerminal, ORDER } from '#contracts/states.ts'
import { ApiError, type ApiClient } from './client.ts'
import { followTimeline } from './live-timeline.ts'

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
  /** Tells who does what. */
  say(who: Actor, what: string): void
  /** Tells what has happened so far, then who does what, and does it. */
  act<Result>(who: Actor, what: string, deed: () => Promise<Result>): Promise<Result>
  /** Tells on until the order is so. @throws when it takes too long */
  until(what: string, condition: (order: Order) => boolean): Promise<Order>
  /** Tells on until nothing more can happen to the order. */
  end(): Promise<Order>
  /** Tells what is left to tell, and no more. */
  leave(): Promise<void>
}

/** Between two looks at the order, which come with news of it, or without for so long. */
const READ_MS = 250
const POLL_MS = 1_000
const TIMEOUT_MS = 60_000
/** When nothing was heard for this long, all that has happened was told. */
const QUIET_MS = 500

export function followOrder({ client, order, print }: Follow): FollowedOrder {
  const placedAt = Date.parse(order.createdAt)
  const leaving = new AbortController()
  let lastNews = Date.now()
  let heard = () => {}
  const reading = followTimeline(client, order.id, leaving.signal, (entry) => {
    print(lineOf(entry, placedAt))
    lastNews = Date.now()
    heard()
  })

  /** Resolves with the next news, or when there was none for this long. */
  const news = (milliseconds: number): Promise<void> =>
    Promise.race([new Promise<void>((resolve) => (heard = resolve)), sleep(milliseconds)])

  /** Lets what has happened be told before somebody does something about it. */
  async function settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_MS; quiet = Date.now() - lastNews) await news(QUIET_MS)
  }

  const say: FollowedOrder['say'] = (who, what) =>
    print(`${time(Date.now() - placedAt)}  ☞ ${who.padEnd(8)} ${what}`)

  const until: FollowedOrder['until'] = async (what, condition) => {
    for (const end = performance.now() + TIMEOUT_MS; ;) {
      const current = await patiently(() => client.readOrder(order.id))
      if (condition(current)) return current
      if (performance.now() > end) {
        throw new Error(`${order.number} is ${current.status} after ${TIMEOUT_MS / 1000} s, not ${what}`)
      }
      await sleep(READ_MS)
      await news(POLL_MS)
    }
  }

  return {
    placed: order,
    id: order.id,
    say,
    async act(who, what, deed) {
      await settle()
      say(who, what)
      return deed()
    },
    until,
    async end() {
      await until('at its end', ({ status }) => isTerminal(ORDER, status))
      await settle()
      const ended = await patiently(() => client.readOrder(order.id))
      const reason = ended.statusReason === null ? '' : ` (${ended.statusReason.message})`
      print(`${ended.number} is ${ended.status}${reason}`)
      return ended
    },
    async leave() {
      await settle()
      leaving.abort()
      await reading
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
