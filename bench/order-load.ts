/** Orders placed through the gateway by several customers at once. */
import type { ApiClient } from '#stack/demo/client.ts'
import { closedLoop } from './closed-loop.ts'
import type { OrderProgress } from './order-progress.ts'
import type { ProcessorClock } from './processor-clock.ts'
import type { Shop } from './shop.ts'

export interface OrderRound {
  ids: string[]
  /** From the first POST until the last order was confirmed, and completed. */
  secondsToConfirmed: number
  secondsToCompleted: number
  /** From each POST until its 201. */
  acceptMilliseconds: number[]
  /** From each POST until the order was confirmed. */
  confirmMilliseconds: number[]
}

export interface LoadOptions {
  shop: Shop
  progress: OrderProgress
  count: number
  concurrency: number
  /** Lets the parcels go once every order is confirmed; what it returns holds them back again. */
  ship: () => Promise<() => Promise<void>>
  /** Takes the processor time of both parts, as the phases `confirmed` and `completed`; left out: of neither. */
  clock?: ProcessorClock
  /** Whether a caller waits for its order's confirmation, rather than for its 201 only, before it places the next. */
  waitUntilConfirmed: boolean
}

/** Resolves when every order is completed. */
export async function placeOrders(options: LoadOptions): Promise<OrderRound> {
  const { shop, progress, count, concurrency, ship, waitUntilConfirmed, clock } = options
  const during: ProcessorClock['during'] = (phase, work) =>
    clock === undefined ? work() : clock.during(phase, work)
  const customers = await shop.customers()
  const customerOf = (index: number): ApiClient => {
    const customer = customers[index % customers.length]
    if (customer === undefined) throw new Error('the shop has no customers')
    return customer
  }
  const posted = new Map<string, number>()
  const acceptMilliseconds: number[] = []
  const began = Date.now()
  const ids = await during('confirmed', placeAll)
  await during('completed', async () => {
    const holdBack = await ship()
    await progress.allCompleted(ids)
    await holdBack()
  })
  const times = await progress.times(ids)
  const secondsTo = (reached: readonly Date[]): number =>
    (Math.max(...reached.map((at) => at.getTime())) - began) / 1000
  return {
    ids,
    secondsToConfirmed: secondsTo(times.map(({ confirmed }) => confirmed)),
    secondsToCompleted: secondsTo(times.map(({ completed }) => completed)),
    acceptMilliseconds,
    confirmMilliseconds: times.map(({ id, confirmed }) => confirmed.getTime() - (posted.get(id) ?? began)),
  }

  async function placeAll(): Promise<string[]> {
    await closedLoop({
      count,
      concurrency,
      async work(index) {
        const [at, from] = [Date.now(), performance.now()]
        const { id } = await customerOf(index).placeOrder(shop.order(index))
        acceptMilliseconds.push(performance.now() - from)
        posted.set(id, at)
        if (waitUntilConfirmed) await progress.confirmed(id)
      },
    })
    const placed = [...posted.keys()]
    await Promise.all(placed.map((id) => progress.confirmed(id)))
    return placed
  }
}
