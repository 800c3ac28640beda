/** Gives a reservation what it asks for: its lines, its end, its event and the answer for repeats. */
import type { SkuQuantity } from '#contracts/schemas.ts'
import type { Sql } from '#platform/database.ts'
import { appendEvent } from '#platform/events/outbox.ts'
import type { AllocatedLine, AllocationStrategy, WarehouseStock } from './allocation/allocation.ts'
import { sumBySku, type Shortage } from './demands.ts'
import { enoughForEither, promiseLines, type HeldAnswer } from './promises.ts'
import { toEventLines, type Reservation } from './reservations.ts'

export interface GrantPolicy {
  /** How long stock is promised to an order that is not confirmed yet. */
  holdMinutes: number
  allocate: AllocationStrategy
}

export interface Grant {
  reservation: Reservation
  request: number
  /** What the stock covers. */
  demands: readonly SkuQuantity[]
  stock: readonly WarehouseStock[]
  /** What was promised before, and is no more. */
  promised: readonly AllocatedLine[]
  /** What could not be had. */
  shortages: readonly Shortage[]
  /** What was promised stays so, beside the lines, until the next request. */
  keepPrevious?: boolean
  /** Where the units are to come from, if they are still there. */
  from?: readonly AllocatedLine[]
}

export type Granted = HeldAnswer & { expiresAt: string }

/**
 * What replaces a lost parcel is owed already, so it is committed at once; an order's own is held until its confirmation.
 */
export const statusGranted = ({
  id,
  orderId,
  status,
}: Omit<Reservation, 'expiresAt'>): 'held' | 'committed' =>
  status === 'committed' || id !== orderId ? 'committed' : 'held'

export async function grantStock(tx: Sql, grant: Grant, policy: GrantPolicy): Promise<Granted> {
  const { reservation, request, promised, shortages, demands, stock } = grant
  const answered = asBefore(grant) ?? policy.allocate(demands, stock)
  const lines = grant.keepPrevious === true ? enoughForEither(answered, promised) : answered
  const status = statusGranted(reservation)
  const taken = { id: reservation.id, status, request, promised, lines, answered, shortages }
  const answer = await promiseLines(tx, taken)
  const { version, expiresAt } = await writeHeader(tx, reservation, status, policy.holdMinutes)
  await announce(tx, { ...reservation, version }, { status, expiresAt, lines })
  return { ...answer, expiresAt }
}

/** The lines that an earlier answer had, when they are what is asked for and the stock still has them there. */
function asBefore({ from = [], demands, stock }: Grant): readonly AllocatedLine[] | undefined {
  if (from.length === 0) return undefined
  const same = isSame(sumBySku(from), demands)
  const there = from.every((line) =>
    stock.some((entry) => isAt(entry, line) && entry.available >= line.quantity),
  )
  return same && there ? from : undefined
}

const isSame = (one: readonly SkuQuantity[], other: readonly SkuQuantity[]): boolean =>
  one.length === other.length &&
  one.every(({ sku, quantity }) => other.some((line) => line.sku === sku && line.quantity === quantity))

const isAt = (entry: WarehouseStock, { sku, warehouse }: AllocatedLine): boolean =>
  entry.sku === sku && entry.warehouse === warehouse

/** A change of mind never shortens a hold. */
async function writeHeader(
  tx: Sql,
  reservation: Reservation,
  status: 'held' | 'committed',
  holdMinutes: number,
): Promise<{ version: number; expiresAt: string }> {
  const { id, version, expiresAt } = reservation
  // the header of a first request was written when it was claimed
  if (reservation.status === 'requested' && expiresAt !== null) return { version, expiresAt }
  const [row] = await tx.$queryRaw<{ version: number; expiresAt: Date }[]>`
    UPDATE reservations SET status = ${status}, version = version + 1, updated_at = now(),
      expires_at = greatest(expires_at, now() + make_interval(mins => ${holdMinutes}::int))
    WHERE id = ${id}::uuid RETURNING version, expires_at AS "expiresAt"`
  if (row === undefined) throw new Error(`the reservation ${id} is there and is not`)
  return { version: row.version, expiresAt: row.expiresAt.toISOString() }
}

async function announce(
  tx: Sql,
  { id, orderId, status: before, version }: Reservation,
  now: { status: 'held' | 'committed'; expiresAt: string; lines: readonly AllocatedLine[] },
): Promise<void> {
  const { status, expiresAt } = now
  const payload = { orderId, lines: toEventLines(now.lines) }
  const aggregate = { aggregateId: id, version }
  if (before === 'held' || before === 'committed') {
    await appendEvent(tx, { type: 'reservation.changed', ...aggregate, payload })
  } else if (status === 'committed') {
    await appendEvent(tx, { type: 'reservation.committed', ...aggregate, payload })
  } else {
    await appendEvent(tx, { type: 'reservation.held', ...aggregate, payload: { ...payload, expiresAt } })
  }
}
