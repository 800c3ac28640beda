import { describe, expect, it } from 'vitest'
import { returnsDoor, wanted } from '#tests/support/returns-door.ts'
import { createQuoteLostParcel } from './quote-lost-parcel.ts'

const door = await returnsDoor()
const { request, sent, walk } = door
const quote = createQuoteLostParcel(door.transact)

// three shirts: 59.70 net, 12.54 tax; shipping 4.90 and 1.03
describe('what a lost parcel gives back', () => {
  it('is said once, and left out of what a return gives back', async () => {
    const { id, parcels } = await sent(
      [
        ['delivered', 2],
        ['lost', 1],
      ],
      { ended: false },
    )
    const lost = { orderId: id, shipmentId: parcels[1]! }
    const answers = await Promise.all(Array.from({ length: 5 }, () => quote(lost)))
    expect(new Set(answers.map(({ amount }) => amount))).toEqual(new Set([2408]))
    const { body } = await request(id, wanted(2))
    expect(await walk(body.id, 'approved', 'received')).toEqual({ amount: 4816 + 593, shipping: 593 })
    const row = await door.database.return.findUniqueOrThrow({ where: { id: body.id } })
    expect(row).toMatchObject({ goods: 4816n, shipping: 593n })
  })

  it('is everything, once, when what replaces a lost parcel is lost too, or given up', async () => {
    for (const status of ['lost', 'cancelled'] as const) {
      const { id, parcels } = await sent(
        [
          ['lost', 3],
          [status, 3],
        ],
        { ended: false },
      )
      const replacement = { orderId: id, shipmentId: parcels[1]!, replaces: parcels[0]! }
      expect(await quote(replacement)).toEqual({ amount: 7817 })
      expect(await quote(replacement)).toEqual({ amount: 7817 })
    }
    const { id, parcels } = await sent([['cancelled', 3]], { ended: false })
    await expect(quote({ orderId: id, shipmentId: parcels[0]! })).rejects.toThrow('not known here yet')
  })

  it('is everything when the only parcel is lost; a loss that is not known here yet is asked for again', async () => {
    const { id, parcels } = await sent([['dispatched', 3]], { ended: false })
    const lost = { orderId: id, shipmentId: parcels[0]! }
    await expect(quote(lost)).rejects.toThrow('not known here yet')
    await door.database.orderShipment.update({ where: { id: parcels[0]! }, data: { status: 'lost' } })
    expect(await quote(lost)).toEqual({ amount: 7817 })
  })
})
