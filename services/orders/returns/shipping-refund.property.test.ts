/** Whatever is returned, called off and returned again: the shipping cost goes back when nothing is kept, and only then. */
import { randomUUID } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sum } from '#contracts/money.ts'
import { mayMove, RETURN, type OrderStatus, type ReturnStatus } from '#contracts/states.ts'
import { testOrders } from '#tests/support/orders.ts'
import { createQuoteLostParcel } from './quote-lost-parcel.ts'
import { createRecordReturn } from './record-return.ts'
import { createRequestReturn } from './request-return.ts'

const orders = await testOrders(10)

const UNITS = 3
const SHIPPING = 593

/** An order of three shirts in two parcels, the second of which may be lost and paid back. */
async function sent(lost: boolean): Promise<{ id: string; total: number; customerId: string }> {
  const customerId = randomUUID()
  const { id, total } = await orders.place(customerId, { lines: [{ sku: 'TEE', quantity: UNITS }] })
  // where it has come to is all that counts here: the way there has tests of its own
  const enter = (status: OrderStatus) => orders.database.order.update({ where: { id }, data: { status } })
  await enter('fulfilling')
  const parcels = [
    { status: 'delivered', quantity: 2 },
    { status: lost ? 'lost' : 'delivered', quantity: 1 },
  ]
  for (const { status, quantity } of parcels) {
    const shipmentId = randomUUID()
    await orders.database.orderShipment.create({
      data: {
        id: shipmentId,
        orderId: id,
        warehouse: 'AMS',
        status,
        lines: [{ sku: 'TEE', quantity }],
        history: [],
        returnableUntil: status === 'delivered' ? new Date(Date.now() + 86_400_000) : null,
      },
    })
    if (status === 'lost') await createQuoteLostParcel(orders.transact)({ orderId: id, shipmentId })
  }
  await enter('completed')
  return { id, total, customerId }
}

const command = fc.oneof(
  fc.record({ do: fc.constant('requested' as const), units: fc.integer({ min: 1, max: 2 }) }),
  fc.record({
    do: fc.constantFrom<Exclude<ReturnStatus, 'requested' | 'refunded'>[]>(
      'approved',
      'approved',
      'received',
      'cancelled',
      'rejected',
    ),
    /** Which of those that may become that. */
    at: fc.nat(UNITS),
  }),
)

/** The last one is received, and the one before it is called off. */
const CALLED_OFF = [
  { do: 'requested' as const, units: 1 },
  { do: 'requested' as const, units: 2 },
  { do: 'approved' as const, at: 0 },
  { do: 'approved' as const, at: 0 },
  { do: 'received' as const, at: 1 },
  { do: 'cancelled' as const, at: 0 },
]

describe('the shipping cost', () => {
  it.concurrent.each(['receipt', 'approval'] as const)(
    'goes back exactly when everything is back, where returns are paid on %s',
    async (refundOn) => {
      const pays = refundOn === 'approval' ? 'approved' : 'received'
      const record = createRecordReturn(orders.transact)
      const request = createRequestReturn(orders.transact)
      await fc.assert(
        fc.asyncProperty(
          fc.boolean(),
          fc.array(command, { minLength: 4, maxLength: 16, size: 'max' }),
          async (lost, commands) => {
            const { id: orderId, total, customerId } = await sent(lost)
            const returns: { id: string; status: ReturnStatus; units: number }[] = []

            const ask = async (units: number) => {
              const body = { lines: [{ sku: 'TEE', quantity: units, reason: 'too small' }] }
              const asked = { orderId, customerId, body, ifMatch: undefined, finish: async () => {} }
              const made = await request(asked).catch(() => undefined)
              if (made !== undefined) returns.push({ id: made.id, status: 'requested', units })
            }
            const movable = (to: ReturnStatus) =>
              returns.filter((one) => mayMove(RETURN, one.status, to) && !(to === 'cancelled' && isPaid(one)))
            const move = async (
              one: (typeof returns)[number],
              status: Exclude<ReturnStatus, 'requested'>,
            ) => {
              one.status = status
              await record({ returnId: one.id, status, ...(status === pays ? { pays: true } : {}) })
            }
            const isPaid = ({ status }: { status: string }) =>
              ['received', 'refunded', ...(refundOn === 'approval' ? ['approved'] : [])].includes(status)
            const check = async () => {
              const rows = await orders.database.return.findMany({ where: { orderId } })
              const lostParcels = await orders.database.lostParcel.findMany({ where: { orderId } })
              const paid = [...rows.filter(isPaid), ...lostParcels]
              const back = sum(returns.filter(isPaid).map(({ units }) => units)) + (lost ? 1 : 0)
              const shipping = sum(paid.map((row) => Number(row.shipping)))
              const goods = sum(paid.map((row) => Number(row.goods)))
              expect(shipping).toBe(back === UNITS ? SHIPPING : 0)
              expect(goods).toBeLessThanOrEqual(total - SHIPPING)
              if (back === UNITS) expect(goods + shipping).toBe(total)
            }

            for (const next of commands) {
              if (next.do === 'requested') await ask(next.units)
              else {
                const known = movable(next.do)
                const one = known[next.at % known.length]
                if (one !== undefined) await move(one, next.do)
              }
              await check()
            }
            // what is left comes back at once, and is received at the same time
            for (let unit = 0; unit < UNITS; unit++) await ask(1)
            await Promise.all(movable('approved').map((one) => move(one, 'approved')))
            await Promise.all(movable('received').map((one) => move(one, 'received')))
            await check()
            expect(sum(returns.filter(isPaid).map(({ units }) => units))).toBe(UNITS - (lost ? 1 : 0))
          },
        ),
        { numRuns: 60, examples: [[false, CALLED_OFF]] },
      )
    },
    60_000,
  )
})
