import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { ShipmentStatus } from '#contracts/states.ts'
import { testOrders, type TestOrders } from '#tests/support/orders.ts'
import { createRecordProgress } from '../record-progress.ts'
import { createQuoteLostParcel } from './quote-lost-parcel.ts'
import { createQuoteShippingBack, type QuoteShippingBack } from './quote-shipping-back.ts'
import { createRecordReturn } from './record-return.ts'
import { createRequestReturn } from './request-return.ts'

let orders: TestOrders
let quote: QuoteShippingBack
beforeAll(async () => {
  orders = await testOrders(10)
  quote = createQuoteShippingBack(orders.transact)
})

const SHIPPING = 593

/** An order of three shirts, two of them delivered, whose last parcel is as far as it says; without it nobody has heard of it. */
async function underWay(last?: ShipmentStatus) {
  const customerId = randomUUID()
  const { id, total } = await orders.place(customerId, { lines: [{ sku: 'TEE', quantity: 3 }] })
  const progress = createRecordProgress(orders.transact)
  for (const status of ['reserving', 'authorizing', 'confirmed', 'fulfilling'] as const)
    await progress({ orderId: id, status, steps: [] })
  const send = async (status: ShipmentStatus, quantity: number) => {
    const shipment = await orders.database.orderShipment.create({
      data: {
        id: randomUUID(),
        orderId: id,
        warehouse: 'AMS',
        status,
        lines: [{ sku: 'TEE', quantity }],
        history: [],
        returnableUntil: status === 'delivered' ? new Date(Date.now() + 86_400_000) : null,
      },
    })
    return shipment.id
  }
  await send('delivered', 2)
  const lastId = last === undefined ? randomUUID() : await send(last, 1)
  /** The return is received and pays. @returns what it gives back for shipping */
  const giveBack = async (quantity: number): Promise<number> => {
    const { id: returnId } = await createRequestReturn(orders.transact)({
      orderId: id,
      customerId,
      body: { lines: [{ sku: 'TEE', quantity, reason: 'too small' }] },
      ifMatch: undefined,
      finish: async () => {},
    })
    const record = createRecordReturn(orders.transact)
    await record({ returnId, status: 'approved' })
    return (await record({ returnId, status: 'received', pays: true })).shipping
  }
  return { id, total, lastId, giveBack }
}

describe('quoteShippingBack', () => {
  it.each([
    ['not heard of here', undefined],
    ['booked, as far as is known here', 'booked'],
    ['cancelled', 'cancelled'],
  ] as const)(
    'gives the shipping cost back, once, when all else came back before the last parcel, %s, was given up',
    async (_what, status) => {
      const { id, lastId, giveBack } = await underWay(status)
      expect([await giveBack(1), await giveBack(1)]).toEqual([0, status === 'cancelled' ? SHIPPING : 0])
      const left = status === 'cancelled' ? 0 : SHIPPING
      expect(await quote({ orderId: id, givenUp: [lastId] })).toEqual({ amount: left })
      expect(await quote({ orderId: id, givenUp: [lastId] })).toEqual({ amount: left })
      const rows = await orders.database.lostParcel.findMany({ where: { orderId: id } })
      expect(rows).toEqual([
        { shipmentId: lastId, orderId: id, goods: 0n, shipping: BigInt(left), givenUp: true },
      ])
    },
  )

  it.each([undefined, 'booked', 'cancelled'] as const)(
    'leaves it to the return that comes after, though of the parcel only %s is known',
    async (status) => {
      const { id, lastId, giveBack } = await underWay(status)
      expect(await giveBack(1)).toBe(0)
      expect(await quote({ orderId: id, givenUp: [lastId] })).toEqual({ amount: 0 })
      expect(await giveBack(1)).toBe(SHIPPING)
      expect(await quote({ orderId: id, givenUp: [lastId] })).toEqual({ amount: 0 })
    },
  )

  it('gives what goods that are returned later cost as if the parcel that was given up had never been', async () => {
    const [with_, without] = [await underWay('booked'), await underWay('booked')]
    await quote({ orderId: with_.id, givenUp: [with_.lastId] })
    await with_.giveBack(2)
    await without.giveBack(2)
    const goodsOf = async (orderId: string) =>
      (await orders.database.return.findMany({ where: { orderId } })).map(({ goods }) => goods)
    expect(await goodsOf(with_.id)).toEqual(await goodsOf(without.id))
  })

  it('waits for the word of every parcel that left: its customer may keep what it brought', async () => {
    const { id, lastId } = await underWay('cancelled')
    const { id: unheard } = await orders.database.orderShipment.findFirstOrThrow({
      where: { orderId: id, status: 'delivered' },
    })
    const ask = () => quote({ orderId: id, givenUp: [lastId], left: [unheard] })
    const parcel = { where: { id: unheard } }
    const row = await orders.database.orderShipment.delete(parcel)
    await expect(ask()).rejects.toThrow('is not known here yet')
    const lines = [{ sku: 'TEE', quantity: 2 }]
    await orders.database.orderShipment.create({
      data: { ...row, lines, history: [], status: 'dispatched', returnableUntil: null },
    })
    await expect(ask()).rejects.toThrow('is not known here yet')
    await orders.database.orderShipment.update({ ...parcel, data: { status: 'delivered' } })
    expect(await ask()).toEqual({ amount: 0 })
  })

  it('is not needed for a parcel that is lost: with it the shipping cost goes back', async () => {
    const { id, total, lastId, giveBack } = await underWay('lost')
    expect(await giveBack(2)).toBe(0)
    const { amount } = await createQuoteLostParcel(orders.transact)({ orderId: id, shipmentId: lastId })
    const [returned] = await orders.database.return.findMany({ where: { orderId: id } })
    expect(Number(returned?.goods) + amount).toBe(total)
  })
})
