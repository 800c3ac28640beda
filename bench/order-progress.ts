/** Where orders are, read from the orders service's own tables: the API would be one more load on what is measured. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Pool, type QueryResultRow } from 'pg'

const LOOK_EVERY_MS = 20
const PATIENCE_MS = 180_000

/** What an order is on its way to `confirmed`; once it is anything else it was confirmed, or will never be. */
const UNCONFIRMED: readonly string[] = ['placed', 'reserving', 'authorizing']

const BAD_ENDS: readonly string[] = ['rejected', 'cancelling', 'cancelled']

/** When, to the millisecond. */
export interface Reached {
  id: string
  confirmed: Date
  completed: Date
}

export interface OrderProgress {
  /** Resolves when the order has been confirmed. One query looks for all who wait. @throws when it ends otherwise */
  confirmed(id: string): Promise<void>
  /** Resolves when every one of these orders is completed. @throws when one ends otherwise or the time is up */
  allCompleted(ids: readonly string[]): Promise<void>
  times(ids: readonly string[]): Promise<Reached[]>
  /** The parcels of these orders. */
  shipments(ids: readonly string[]): Promise<string[]>
  /** Resolves when so many of these products can be ordered. */
  catalogKnows(skus: readonly string[]): Promise<void>
  /** How many statements were sent so far. */
  queries(): number
  close(): Promise<void>
}

interface Waiting {
  resolve: () => void
  reject: (error: Error) => void
}

export function followOrders(databaseUrl: string): OrderProgress {
  const pool = new Pool({ connectionString: databaseUrl, max: 1, idleTimeoutMillis: 0 })
  const waiting = new Map<string, Waiting>()
  let looking: Promise<void> | undefined
  let queries = 0

  async function query<Row extends QueryResultRow>(sql: string, values: readonly string[]): Promise<Row[]> {
    queries += 1
    return (await pool.query<Row>(sql, [values])).rows
  }

  const statuses = (ids: readonly string[]) =>
    query<{ id: string; status: string }>('SELECT id, status FROM orders WHERE id = ANY($1::uuid[])', ids)

  async function look(): Promise<void> {
    while (waiting.size > 0) {
      await sleep(LOOK_EVERY_MS)
      for (const { id, status } of await statuses([...waiting.keys()])) {
        if (UNCONFIRMED.includes(status)) continue
        const waiter = waiting.get(id)
        waiting.delete(id)
        if (BAD_ENDS.includes(status)) waiter?.reject(new Error(`order ${id} became ${status}`))
        else waiter?.resolve()
      }
    }
  }

  function rejectAll(error: unknown): void {
    const reason = new Error('the orders cannot be followed', { cause: error })
    for (const { reject } of waiting.values()) reject(reason)
    waiting.clear()
  }

  /** @throws when the time is up */
  async function until(what: string, reached: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS
    while (!(await reached())) {
      if (performance.now() > deadline) throw new Error(`${what}: not after ${PATIENCE_MS / 1000} s`)
      await sleep(LOOK_EVERY_MS * 5)
    }
  }

  return {
    confirmed: (id) =>
      new Promise((resolve, reject) => {
        const late = setTimeout(() => {
          waiting.delete(id)
          reject(new Error(`order ${id} was not confirmed within ${PATIENCE_MS / 1000} s`))
        }, PATIENCE_MS)
        const settle = (settled: () => void): void => {
          clearTimeout(late)
          settled()
        }
        waiting.set(id, {
          resolve: () => settle(resolve),
          reject: (error) => settle(() => reject(error)),
        })
        looking ??= look()
          .catch(rejectAll)
          .finally(() => {
            looking = undefined
          })
      }),
    allCompleted: (ids) =>
      until('every order is completed', async () => {
        const rows = await statuses(ids)
        const bad = rows.find(({ status }) => BAD_ENDS.includes(status))
        if (bad !== undefined) throw new Error(`order ${bad.id} became ${bad.status}`)
        return rows.filter(({ status }) => status === 'completed').length === ids.length
      }),
    times: (ids) =>
      query(
        `SELECT order_id AS id, min(at) FILTER (WHERE name = 'order.confirmed') AS confirmed,
                min(at) FILTER (WHERE name = 'order.completed') AS completed
         FROM timeline_entries WHERE order_id = ANY($1::uuid[]) AND kind = 'event' GROUP BY order_id`,
        ids,
      ),
    async shipments(ids) {
      const rows = await query<{ id: string }>(
        'SELECT id FROM order_shipments WHERE order_id = ANY($1::uuid[])',
        ids,
      )
      return rows.map(({ id }) => id)
    },
    catalogKnows: (skus) =>
      until('the catalog knows the products', async () => {
        const known = await query('SELECT sku FROM catalog_products WHERE sku = ANY($1)', skus)
        return known.length === skus.length
      }),
    queries: () => queries,
    close: () => pool.end(),
  }
}
