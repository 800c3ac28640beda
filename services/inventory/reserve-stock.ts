/**
 * Promises stock to an order: all of it or nothing, unless it takes what there is. Each request of an order is answered
 * once; a later one replaces what the earlier ones were given, or leaves everything as it was.
 */
import type { Allocation, SkuQuantity } from '#contracts/schemas.ts'
import type { Sql } from '#platform/database.ts'
import { appendEvent, type UnitOfWork } from '#platform/events/outbox.ts'
import type { AllocatedLine, WarehouseStock } from './allocation/allocation.ts'
import { enqueue, leaveQueue, readBackorder, type Backorder } from './backorders.ts'
import { findShortages, limitToStock, sumBySku, type Shortage } from './demands.ts'
import { grantStock, statusGranted, type GrantPolicy } from './grant-stock.ts'
import { lockStock, withOwn } from './promises.ts'
import { recallAnswer, rememberAnswer } from './requests.ts'
import { lockReservation, openLines, readLines, type Reservation } from './reservations.ts'

export interface StockRequest {
  orderId: string
  /** One line per SKU or several; those of one SKU are summed. */
  lines: SkuQuantity[]
  /**
   * Counts the order's requests from 1 (the default). A repeat of one gives its answer again; a later one replaces what is
   * held or committed by these lines, all or nothing: when it is refused, everything stays as it was. One that comes after a
   * later one was answered, or when parcels have left, is refused for good.
   */
  request?: number
  /**
   * What to do when there is not enough. Default: refuse. Units of a product that others wait for are not available. Who
   * holds something already is not put into the queue but refused.
   */
  onShortage?: 'refuse' | 'take_available' | 'backorder'
  /**
   * What the order has stays promised until its next request, beside what this one gets; the answer is of the latter only.
   * So another request for the former can't be refused.
   */
  keepPrevious?: boolean
  /** Where the units are to come from, as an earlier answer said; where they are not there any more it is decided anew. */
  from?: Allocation[]
  /**
   * For goods that are sent once more: a reservation of its own (the new parcel's id), committed at once, since they are
   * owed. Default: the order's.
   */
  reservationId?: string
}

export type ReservationOutcome =
  /** `shortages`: what could not be had, where what is available was to be taken. */
  | { outcome: 'held'; allocations: Allocation[]; expiresAt: string; shortages?: Shortage[] }
  | { outcome: 'out_of_stock'; shortages: Shortage[] }
  /**
   * Nothing is held; the order waits its turn. When the stock is there, `reservation.held` says so, and a repeat of this
   * request is answered `held`.
   */
  | { outcome: 'backordered'; shortages: Shortage[] }
  /** The order's reservation was released before this call arrived: it must not come to life again. */
  | { outcome: 'released' }
  /** It makes no sense any more: a later request was answered before, or parcels have left. */
  | { outcome: 'refused'; reason: string }

export type ReserveStock = (request: StockRequest) => Promise<ReservationOutcome>

export const createReserveStock =
  ({ transact, ...policy }: { transact: UnitOfWork<Sql> } & GrantPolicy): ReserveStock =>
  (asked) => {
    const { orderId, lines, request = 1, onShortage = 'refuse', reservationId = orderId } = asked
    const demands = sumBySku(lines)
    const reservation = {
      id: reservationId,
      orderId,
      status: 'requested' as const,
      version: 1,
      expiresAt: null,
    }
    const { keepPrevious = false, from = [] } = asked
    const wish: Wish = { request, demands, onShortage, keepPrevious, from: from.flatMap(toLines) }
    return transact(async (tx) => {
      const claimed = await claim(tx, reservation, demands, policy.holdMinutes)
      return claimed === undefined
        ? answerKnown(tx, { orderId, reservationId }, wish, policy)
        : decide(tx, { ...wish, ...claimed, promised: [], backorder: undefined }, policy)
    })
  }

interface Wish {
  request: number
  demands: readonly SkuQuantity[]
  onShortage: NonNullable<StockRequest['onShortage']>
  keepPrevious: boolean
  from: readonly AllocatedLine[]
}

const toLines = ({ warehouse, lines }: Allocation): AllocatedLine[] =>
  lines.map((line) => ({ ...line, warehouse }))

interface Case extends Wish {
  reservation: Reservation
  stock: readonly WarehouseStock[]
  promised: readonly AllocatedLine[]
  backorder: Backorder | undefined
}

/**
 * Takes the header and, only if it was free, locks the products' rows, in one statement. Every transaction locks a header
 * before stock.
 */
async function claim(
  tx: Sql,
  reservation: Reservation,
  demands: readonly SkuQuantity[],
  holdMinutes: number,
): Promise<Pick<Case, 'reservation' | 'stock'> | undefined> {
  const { id, orderId } = reservation
  const skus = demands.map(({ sku }) => sku)
  const rows = await tx.$queryRaw<
    ({ expiresAt: Date } & (WarehouseStock | { [Field in keyof WarehouseStock]: null }))[]
  >`
    WITH header AS (
      INSERT INTO reservations (id, order_id, status, expires_at, version)
      VALUES (${id}::uuid, ${orderId}::uuid, ${statusGranted(reservation)},
        now() + make_interval(mins => ${holdMinutes}::int), 1)
      ON CONFLICT DO NOTHING RETURNING expires_at
    ), locked AS MATERIALIZED (
      SELECT sku, warehouse, on_hand - held - committed AS units FROM stock
      WHERE sku = ANY(${skus}::text[]) AND EXISTS (SELECT FROM header)
      ORDER BY sku, warehouse FOR NO KEY UPDATE
    )
    SELECT header.expires_at AS "expiresAt", locked.sku, locked.warehouse, warehouses.priority,
      CASE WHEN EXISTS (SELECT FROM backorder_lines AS ahead WHERE ahead.sku = locked.sku AND ahead.waiting)
        THEN 0 ELSE locked.units END AS available
    FROM header LEFT JOIN locked ON true LEFT JOIN warehouses ON warehouses.code = locked.warehouse`
  const [first] = rows
  if (first === undefined) return undefined
  return {
    reservation: { ...reservation, expiresAt: first.expiresAt.toISOString() },
    stock: rows.filter((row) => row.sku !== null),
  }
}

/** Not the first that is heard of this reservation: a repeat, or another request. */
async function answerKnown(
  tx: Sql,
  ref: { orderId: string; reservationId: string },
  wish: Wish,
  policy: GrantPolicy,
): Promise<ReservationOutcome> {
  const reservation = await lockReservation(tx, ref)
  if (reservation === undefined) throw new Error(`the reservation ${ref.reservationId} is another order's`)
  // what has been undone since does not come to life again
  if (reservation.status === 'released' || reservation.status === 'expired') return { outcome: 'released' }
  const known = await recallAnswer(tx, { id: reservation.id, request: wish.request })
  if (known === 'superseded') return refused('a later request was answered before this one came')
  if (known?.outcome === 'held') return { ...known, expiresAt: endOf(reservation) }
  if (known !== undefined) return known

  const lines = await readLines(tx, reservation)
  if (lines.some(({ shipped, released }) => shipped + released > 0)) return refused('parcels have left')
  const promised = openLines(lines)
  const backorder = await readBackorder(tx, reservation.id)
  const skus = [...wish.demands, ...promised].map(({ sku }) => sku)
  const stock = await lockStock(tx, skus, backorder?.position ?? null)
  return decide(tx, { ...wish, reservation, stock: withOwn(stock, promised), promised, backorder }, policy)
}

function endOf({ id, expiresAt }: Reservation): string {
  if (expiresAt === null) throw new Error(`the hold ${id} has no end`)
  return expiresAt
}

const refused = (reason: string): ReservationOutcome => ({ outcome: 'refused', reason })

async function decide(tx: Sql, asked: Case, policy: GrantPolicy): Promise<ReservationOutcome> {
  const { reservation, demands, stock, onShortage } = asked
  const shortages = findShortages(demands, stock)
  if (shortages.length === 0) return grant(tx, asked, demands, [], policy)
  if (onShortage === 'take_available') {
    const partly = limitToStock(demands, stock)
    if (partly.length > 0) return grant(tx, asked, partly, shortages, policy)
  }
  if (onShortage === 'backorder' && mayWait(reservation)) return wait(tx, asked, shortages)
  return refuse(tx, asked, shortages)
}

async function grant(
  tx: Sql,
  { backorder, ...asked }: Case,
  demands: readonly SkuQuantity[],
  shortages: readonly Shortage[],
  policy: GrantPolicy,
): Promise<ReservationOutcome> {
  if (backorder !== undefined) await leaveQueue(tx, asked.reservation.id)
  return grantStock(tx, { ...asked, demands, shortages }, policy)
}

async function refuse(
  tx: Sql,
  { reservation, request }: Case,
  shortages: Shortage[],
): Promise<ReservationOutcome> {
  const { id, orderId, version } = reservation
  await rememberAnswer(tx, { id, request }, { outcome: 'out_of_stock', shortages })
  if (reservation.status === 'requested') {
    await tx.$executeRaw`
      UPDATE reservations SET status = 'refused', expires_at = NULL WHERE id = ${id}::uuid`
    const skus = shortages.map(({ sku }) => sku)
    await appendEvent(tx, {
      type: 'reservation.refused',
      aggregateId: id,
      version,
      payload: { orderId, skus },
    })
  }
  return { outcome: 'out_of_stock', shortages }
}

/** Who has something keeps it rather than wait for more, and what is sent once more is not waited for. */
const mayWait = ({ id, orderId, status }: Reservation): boolean =>
  id === orderId && status !== 'held' && status !== 'committed'

/** Who asks for more while waiting goes to the end of the queue; who asks for the same or less keeps the place. */
async function wait(tx: Sql, asked: Case, shortages: Shortage[]): Promise<ReservationOutcome> {
  const { reservation, request, demands, backorder } = asked
  const { id, orderId } = reservation
  const shortOf = shortages.map(({ sku }) => sku)
  const kept = backorder !== undefined && asksForNoMore(demands, backorder.demands)
  if (backorder !== undefined) await leaveQueue(tx, id)
  await enqueue(tx, { id, request, demands, shortOf, position: kept ? backorder.position : null })
  await rememberAnswer(tx, { id, request }, { outcome: 'backordered', shortages })
  const [row] = await tx.$queryRaw<{ version: number }[]>`
    UPDATE reservations SET status = 'backordered', expires_at = NULL, updated_at = now(),
      version = version + CASE WHEN ${reservation.status === 'requested'} THEN 0 ELSE 1 END
    WHERE id = ${id}::uuid RETURNING version`
  if (row === undefined) throw new Error(`the reservation ${id} is there and is not`)
  await appendEvent(tx, {
    type: 'reservation.backordered',
    aggregateId: id,
    version: row.version,
    payload: { orderId, skus: shortOf },
  })
  return { outcome: 'backordered', shortages }
}

const asksForNoMore = (demands: readonly SkuQuantity[], before: readonly SkuQuantity[]): boolean =>
  demands.every(({ sku, quantity }) =>
    before.some((known) => known.sku === sku && known.quantity >= quantity),
  )
