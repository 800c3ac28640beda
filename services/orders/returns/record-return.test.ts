import { describe, expect, it } from 'vitest'
import { customer } from '#tests/support/orders-door.ts'
import { returnsDoor, wanted } from '#tests/support/returns-door.ts'

const door = await returnsDoor()
const { record, request, sent, walk } = door

describe('what a return gives back', () => {
  // three shirts: 59.70 net, 12.54 tax; shipping 4.90 and 1.03
  it('is known once it is agreed to, and stays', async () => {
    const { id } = (await request((await sent()).id)).body
    expect(await record({ returnId: id, status: 'approved' })).toMatchObject({ amount: 2408, shipping: 0 })
    const again = await Promise.all(
      Array.from({ length: 5 }, () => record({ returnId: id, status: 'approved' })),
    )
    expect(new Set(again.map(({ amount }) => amount))).toEqual(new Set([2408]))
    expect(await record({ returnId: id, status: 'received' })).toMatchObject({ amount: 2408, shipping: 0 })
    expect(await record({ returnId: id, status: 'refunded' })).toMatchObject({ amount: 2408, shipping: 0 })
    expect((await door.events(id)).map(([, type]) => type)).toEqual([
      'return.requested',
      'return.approved',
      'return.received',
      'return.refunded',
    ])
    expect((await door.get(customer, `/api/v1/returns/${id}`)).body.refund).toBe(2408)
  })

  it.each(['cancelled', 'rejected'] as const)('is nothing once it is %s', async (status) => {
    const order = await sent()
    const { id } = (await request(order.id, wanted(2))).body
    if (status === 'cancelled') await walk(id, 'approved')
    await record({ returnId: id, status })
    expect((await door.get(customer, `/api/v1/returns/${id}`)).body.refund).toBeNull()
    expect((await door.get(customer, `/api/v1/orders/${order.id}`)).body.returns).toMatchObject([
      { status, refund: null },
    ])
    const event = await door.database.outbox.findFirstOrThrow({
      where: { aggregateId: id, type: `return.${status}` },
    })
    expect(event.payload).toMatchObject({ amount: 0 })
    const told = await door.database.timelineEntry.findFirstOrThrow({
      where: { orderId: order.id, name: `return.${status}` },
    })
    expect(told.detail).toBeNull()
  })

  it('includes the shipping cost when nothing is kept, once', async () => {
    const { id } = await sent()
    const returns = []
    for (const units of [1, 2]) returns.push((await request(id, wanted(units))).body.id)
    expect(await walk(returns[0], 'approved', 'received')).toEqual({ amount: 2408, shipping: 0 })
    expect(await walk(returns[1], 'approved')).toEqual({ amount: 4816, shipping: 0 })
    expect(await walk(returns[1], 'received')).toEqual({ amount: 4816 + 593, shipping: 593 })
    const { total } = (await door.get(customer, `/api/v1/orders/${id}`)).body
    expect(2408 + 4816 + 593).toBe(total)
  })

  it('includes no shipping cost while another return may still come to nothing', async () => {
    const { id } = await sent()
    const returns = []
    for (const units of [1, 2]) returns.push((await request(id, wanted(units))).body.id)
    for (const returnId of returns) await walk(returnId, 'approved')
    expect(await walk(returns[1], 'received')).toEqual({ amount: 4816, shipping: 0 })
    await walk(returns[0], 'cancelled')
    const again = (await request(id, wanted(1))).body.id
    expect(await walk(again, 'approved', 'received')).toEqual({ amount: 2408 + 593, shipping: 593 })
  })

  it('is announced with the day by which the goods should be here', async () => {
    const { id } = (await request((await sent()).id)).body
    const until = new Date().toISOString()
    await record({ returnId: id, status: 'approved', until })
    await record({ returnId: id, status: 'received' })
    const events = await door.database.outbox.findMany({ where: { aggregateId: id }, orderBy: { id: 'asc' } })
    expect(events.map(({ payload }) => (payload as { until?: string }).until)).toEqual([
      undefined,
      until,
      undefined,
    ])
  })

  it('includes it with the approval where that pays, and stays the same when the goods arrive', async () => {
    const { id } = (await request((await sent()).id, wanted(3))).body
    const all = { amount: 7817, shipping: 593 }
    expect(await record({ returnId: id, status: 'approved', pays: true })).toMatchObject(all)
    for (const status of ['received', 'refunded'] as const)
      expect(await record({ returnId: id, status })).toMatchObject(all)
  })

  it('says what has really gone back, also to who asks again', async () => {
    const { id } = (await request((await sent()).id, wanted(3))).body
    await walk(id, 'approved', 'received')
    for (const paid of [{ paid: 500 }, {}])
      expect(await record({ returnId: id, status: 'refunded', ...paid })).toMatchObject({
        amount: 7817,
        refunded: 500,
      })
  })

  type Status = Parameters<typeof walk>[1]
  it.each<[Status, 'requested' | Status, ...Status[]]>([
    ['received', 'requested'],
    ['approved', 'rejected'],
    ['rejected', 'approved'],
    ['approved', 'received', 'approved'],
    ['cancelled', 'received', 'approved'],
    ['received', 'cancelled', 'approved'],
    ['refunded', 'approved'],
  ])(
    'does not become %s where it is %s: it says so, and nothing changes',
    async (status, here, ...before) => {
      const { id } = (await request((await sent()).id)).body
      for (const step of [...before, here]) if (step !== 'requested') await walk(id, step)
      // that its workflow was started may be noted meanwhile
      const rowOf = () =>
        door.database.return.findUniqueOrThrow({ where: { id }, omit: { startedAt: true, updatedAt: true } })
      const stood = [await rowOf(), await door.events(id)]
      expect(await record({ returnId: id, status })).toMatchObject({ status: here })
      expect([await rowOf(), await door.events(id)]).toEqual(stood)
    },
  )

  it('says where the goods are, as it was said first', async () => {
    const { id } = (await request((await sent()).id)).body
    expect(await record({ returnId: id, status: 'approved' })).not.toHaveProperty('receipt')
    const receipt = { warehouse: 'AMS', disposition: 'restock' } as const
    const received = await record({ returnId: id, status: 'received', receipt })
    expect(received).toMatchObject({ status: 'received', receipt })
    const other = { warehouse: 'LJU', disposition: 'write_off' } as const
    expect(await record({ returnId: id, status: 'received', receipt: other })).toEqual(received)
    expect(await record({ returnId: id, status: 'cancelled' })).toEqual(received)
  })

  it('is not called off any more once it pays, however late that is written', async () => {
    const { id } = (await request((await sent()).id)).body
    await record({ returnId: id, status: 'approved', pays: true })
    expect(await record({ returnId: id, status: 'cancelled' })).toMatchObject({ status: 'approved' })
    expect((await door.events(id)).map(([, type]) => type)).toEqual(['return.requested', 'return.approved'])
  })
})
