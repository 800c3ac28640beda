/** Receives stock or writes it off. */
import { randomUUID } from 'node:crypto'
import { Adjustment } from '#contracts/http/inventory.ts'
import type { Sql } from '#platform/database.ts'
import { appendEvent, type UnitOfWork } from '#platform/events/outbox.ts'
import { once, type Command } from '#platform/idempotency.ts'
import { notFound, ProblemError } from '#platform/problem.ts'
import { parser } from '#platform/validation.ts'

export interface StockChange {
  sku: string
  warehouse: string
  /** Units: positive when they come in, negative when they are written off. */
  delta: number
  reason: string
}

export type AdjustStock = (
  change: StockChange,
  command: Command,
) => Promise<{ adjustment: Adjustment; replayed: boolean }>

/** Far from what the column can hold, so that sums over all warehouses stay exact. */
const MAX_ON_HAND = 100_000_000

const parseAdjustment = parser('the stored adjustment', Adjustment)

/** @throws ProblemError `not_found`, `warehouse_unknown`, `insufficient_stock`, `validation_failed`, or what `once` throws */
export const createAdjustStock =
  ({ database, transact }: { database: Sql; transact: UnitOfWork<Sql> }): AdjustStock =>
  async (change, command) => {
    const { body, replayed } = await once(database, command, (finish) =>
      transact(async (tx) => {
        const answer = { status: 201, body: await applyAdjustment(tx, change) }
        await finish(tx, answer)
        return answer
      }),
    )
    return { adjustment: parseAdjustment(body), replayed }
  }

/** The change itself, in a transaction of the caller's. */
export async function applyAdjustment(tx: Sql, change: StockChange): Promise<Adjustment> {
  const { sku, warehouse, delta, reason } = change
  await ensureRow(tx, sku, warehouse)
  const onHand = await move(tx, change)
  const id = randomUUID()
  const [movement] = await tx.$queryRaw<{ createdAt: Date }[]>`
    INSERT INTO stock_movements (id, sku, warehouse, kind, quantity, reason)
    VALUES (${id}::uuid, ${sku}, ${warehouse}, ${delta > 0 ? 'received' : 'adjusted'}, ${delta}, ${reason})
    RETURNING created_at AS "createdAt"`
  if (movement === undefined) throw new Error('the movement was not written')
  return { id, sku, warehouse, delta, reason, onHand, createdAt: movement.createdAt.toISOString() }
}

async function ensureRow(tx: Sql, sku: string, warehouse: string): Promise<void> {
  const [known] = await tx.$queryRaw<{ product: boolean; warehouse: boolean }[]>`
    SELECT EXISTS (SELECT FROM products WHERE sku = ${sku}) AS product,
           EXISTS (SELECT FROM warehouses WHERE code = ${warehouse}) AS warehouse`
  if (known?.product !== true) throw notFound('product')
  if (!known.warehouse)
    throw new ProblemError('warehouse_unknown', `There is no warehouse ${warehouse}.`, {
      errors: [{ path: 'warehouse', message: 'is not a warehouse' }],
    })
  await tx.$executeRaw`
    INSERT INTO stock (sku, warehouse) VALUES (${sku}, ${warehouse}) ON CONFLICT DO NOTHING`
}

/** Moves what is on hand and announces it; returns the new count. */
async function move(tx: Sql, { sku, warehouse, delta, reason }: StockChange): Promise<number> {
  const [stock] = await tx.$queryRaw<{ onHand: number; reserved: number }[]>`
    SELECT on_hand AS "onHand", held + committed AS reserved FROM stock
    WHERE sku = ${sku} AND warehouse = ${warehouse} FOR NO KEY UPDATE`
  if (stock === undefined) throw new Error(`the stock of ${sku} in ${warehouse} is there and is not`)
  const onHand = stock.onHand + delta
  if (onHand < stock.reserved) {
    throw new ProblemError(
      'insufficient_stock',
      `${warehouse} has ${stock.onHand} of ${sku}, of which ${stock.reserved} are promised.`,
    )
  }
  if (onHand > MAX_ON_HAND) {
    throw new ProblemError(
      'validation_failed',
      `A warehouse holds ${MAX_ON_HAND} of a product at the most, and ${warehouse} has ${stock.onHand} of ${sku}.`,
      { errors: [{ path: 'delta', message: `must be at most ${MAX_ON_HAND - stock.onHand}` }] },
    )
  }
  const [moved] = await tx.$queryRaw<{ version: number }[]>`
    UPDATE stock SET on_hand = ${onHand}, event_version = event_version + 1
    WHERE sku = ${sku} AND warehouse = ${warehouse} RETURNING event_version AS version`
  if (moved === undefined) throw new Error(`the stock of ${sku} in ${warehouse} was not moved`)
  await appendEvent(tx, {
    type: 'stock.adjusted',
    // an aggregate of its own: the product's events count the product's versions
    aggregateId: `${sku}:${warehouse}`,
    version: moved.version,
    payload: { sku, warehouse, delta, reason },
  })
  return onHand
}
