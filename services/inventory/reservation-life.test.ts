import { randomUUID } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mayMove, RESERVATION, type ReservationStatus } from '#contracts/states.ts'
import { ProblemError } from '#platform/problem.ts'
import { testInventory } from '#tests/support/inventory.ts'
import { parametersOf } from '#tests/support/property.ts'
import { applyAdjustment } from './adjust-stock.ts'
import { createCommitReservation } from './commit-reservation.ts'
import { createExpireReservation } from './expire-reservation.ts'
import { createExtendReservation } from './extend-reservation.ts'
import { createReleaseParcelStock } from './release-parcel-stock.ts'
import { createReleaseReservation } from './release-reservation.ts'
import { createReserveStock } from './reserve-stock.ts'
import { createRestock } from './restock.ts'
import { createServeBackorders } from './serve-backorders.ts'
import { createShipReservation } from './ship-reservation.ts'

const { database, transact, granting, stock, wrongStock } = await testInventory(20)
const reserveStock = createReserveStock(granting)
const commitReservation = createCommitReservation({ transact })
const releaseReservation = createReleaseReservation({ transact })
const extendReservation = createExtendReservation({ transact })
const expireReservation = createExpireReservation({ transact })
const releaseParcelStock = createReleaseParcelStock({ transact })
const shipReservation = createShipReservation({ transact, consumer: 'test', logger: { warn: () => {} } })
const restock = createRestock({ transact })
const serveBackorders = createServeBackorders({ database, ...granting })

const ORDERS = 4
const SKUS = 2
const WAREHOUSES = ['AMS', 'LJU']

const sku = fc.nat({ max: SKUS - 1 })
const order = fc.nat({ max: ORDERS - 1 })
const warehouse = fc.constantFrom(...WAREHOUSES)
const quantities = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: SKUS, maxLength: SKUS })

const command = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('reserve' as const),
      order,
      request: fc.integer({ min: 1, max: 4 }),
      quantities: quantities.filter((units) => units.some((quantity) => quantity > 0)),
      onShortage: fc.constantFrom('refuse' as const, 'take_available' as const, 'backorder' as const),
      keepPrevious: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('commit' as const), order }) },
  fc.record({ type: fc.constant('release' as const), order }),
  fc.record({ type: fc.constant('extend' as const), order }),
  fc.record({ type: fc.constant('expire' as const), order, over: fc.boolean() }),
  { weight: 2, arbitrary: fc.record({ type: fc.constant('ship' as const), order, warehouse }) },
  fc.record({ type: fc.constant('giveUp' as const), order, warehouse }),
  fc.record({ type: fc.constant('restock' as const), sku, warehouse, writeOff: fc.boolean() }),
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('adjust' as const),
      sku,
      warehouse,
      delta: fc.constantFrom(-2, -1, 1, 2, 4),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('serve' as const) }) },
)
type Command = typeof command extends fc.Arbitrary<infer Value> ? Value : never

/** A shop of its own for one run: its orders and products are nobody else's. */
async function openRun() {
  const run = randomUUID().slice(0, 8).toUpperCase()
  const skus = Array.from({ length: SKUS }, (_, index) => `LIFE-${run}-${index}`)
  const orderIds = Array.from({ length: ORDERS }, () => randomUUID())
  for (const each of skus) await stock(each, { AMS: 3, LJU: 2 })

  /** What a warehouse's parcel of the order would hold now. */
  async function parcel(orderId: string, from: string) {
    const rows = await database.reservationLine.findMany({
      where: { reservationId: orderId, warehouse: from },
    })
    const lines = rows
      .map((row) => ({ sku: row.sku, quantity: row.quantity - row.shipped - row.released }))
      .filter(({ quantity }) => quantity > 0)
    return lines.length === 0 ? undefined : { orderId, shipmentId: randomUUID(), warehouse: from, lines }
  }

  async function execute(asked: Command): Promise<unknown> {
    const orderId = 'order' in asked ? orderIds[asked.order]! : ''
    switch (asked.type) {
      case 'reserve': {
        const { request, onShortage, keepPrevious } = asked
        const lines = asked.quantities.flatMap((quantity, index) =>
          quantity > 0 ? [{ sku: skus[index]!, quantity }] : [],
        )
        return reserveStock({ orderId, request, onShortage, keepPrevious, lines })
      }
      case 'commit':
        return commitReservation({ orderId })
      case 'release':
        return releaseReservation({ orderId })
      case 'extend':
        return extendReservation({ orderId, until: new Date(Date.now() + 7_200_000).toISOString() })
      case 'expire':
        if (asked.over) {
          await database.reservation.updateMany({
            where: { id: orderId, status: 'held' },
            data: { expiresAt: new Date(0) },
          })
        }
        return expireReservation(orderId)
      case 'ship': {
        const leaving = await parcel(orderId, asked.warehouse)
        return leaving && shipReservation({ ...leaving, eventId: randomUUID() })
      }
      case 'giveUp': {
        const given = await parcel(orderId, asked.warehouse)
        return given && releaseParcelStock(given)
      }
      case 'restock':
        return restock({
          returnId: randomUUID(),
          orderId: orderIds[0]!,
          warehouse: asked.warehouse,
          lines: [{ sku: skus[asked.sku]!, quantity: 1 }],
          disposition: asked.writeOff ? 'write_off' : 'restock',
        })
      case 'adjust':
        return transact((tx) =>
          applyAdjustment(tx, {
            sku: skus[asked.sku]!,
            warehouse: asked.warehouse,
            delta: asked.delta,
            reason: 'test',
          }),
        )
      default:
        return serveBackorders()
    }
  }

  const statuses = async () => {
    const rows = await database.reservation.findMany({ where: { id: { in: orderIds } } })
    return new Map(rows.map(({ id, status }) => [id, status as ReservationStatus]))
  }

  /** What must hold whatever has happened. */
  async function expectSound(): Promise<void> {
    expect(await wrongStock()).toEqual([])
    const rows = await database.reservation.findMany({
      where: { id: { in: orderIds } },
      include: { backorder: true },
    })
    for (const { id, status, version, backorder } of rows) {
      expect(backorder !== null, `${status} and in the queue`).toBe(status === 'backordered')
      const events = await database.outbox.findMany({ where: { aggregateId: id }, orderBy: { id: 'asc' } })
      expect(events.map((event) => event.version)).toEqual(events.map((_, index) => index + 1))
      expect(events.length).toBe(version)
      if (version > 0 && status !== 'refused' && events.at(-1)!.type !== 'reservation.changed') {
        // a release of what was refused is silent
        expect([`reservation.${status}`, 'reservation.refused']).toContain(events.at(-1)!.type)
      }
    }
  }
  return { execute, statuses, expectSound }
}

/** A refusal, rather than a fault. */
function isRefusal(error: unknown): boolean {
  const message = String(error)
  return (
    error instanceof ProblemError ||
    message.includes('a parcel of order') ||
    message.includes('stock_available')
  )
}

describe('reservations', () => {
  it('move only as their table says, and keep the books right, whatever is asked in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 10, maxLength: 30 }), async (commands) => {
        const run = await openRun()
        let before = await run.statuses()
        for (const asked of commands) {
          await run.execute(asked).catch((error: unknown) => {
            if (!isRefusal(error)) throw error
          })
          const after = await run.statuses()
          for (const [id, status] of after) {
            const from = before.get(id) ?? 'requested'
            expect(
              from === status || reaches(from, status, asked.type),
              `${from} → ${status} by ${asked.type}`,
            ).toBe(true)
          }
          before = after
        }
        await run.expectSound()
      }),
      parametersOf(25),
    )
  }, 120_000)

  it('keep the books right when everything is asked at once, and nothing waits for itself', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 20, maxLength: 40 }), async (commands) => {
        const run = await openRun()
        for (let from = 0; from < commands.length; from += 10) {
          const answers = await Promise.allSettled(commands.slice(from, from + 10).map(run.execute))
          const faults = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason] : []))
          // a parcel that was planned while something else changed its order is not of that order any more
          const unexpected = faults.filter((error) => !isRefusal(error) && !isOutdated(error))
          expect(unexpected).toEqual([])
        }
        await run.expectSound()
      }),
      parametersOf(15),
    )
  }, 120_000)
})

/** Serving, which is nobody's command about an order, moves only who waits. */
const reaches = (from: ReservationStatus, to: ReservationStatus, type: Command['type']): boolean =>
  mayMove(RESERVATION, from, to) && (type !== 'serve' || (from === 'backordered' && to === 'held'))

const isOutdated = (error: unknown): boolean =>
  /has not reserved|not of this order|reservation_lines_units/.test(String(error))
