import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { customer, operator } from '#tests/support/orders-door.ts'
import { returnsDoor, wanted } from '#tests/support/returns-door.ts'

const door = await returnsDoor()
const { record, request, sent, walk } = door

describe('a return of what an operator has refunded by hand', () => {
  // three shirts: 72.24 with tax; shipping 5.93
  const paid = (orderId: string, refunded: number, captured = 7817) =>
    door.database.orderPayment.upsert({
      where: { orderId },
      create: { orderId, status: 'captured', authorized: 7817, captured, refunded, released: 0 },
      update: { refunded, captured },
    })
  const actions = async (id: string) => (await door.get(customer, `/api/v1/orders/${id}`)).body.actions

  it('is refused for now where the word of the capture is late, and the same key may come again', async () => {
    const { id } = await sent()
    await paid(id, 0, 0)
    const early = await request(id, wanted(3), { key: 'early' })
    expect([early.status, early.body.code, early.headers['retry-after']]).toEqual([
      409,
      'return_already_refunded',
      '2',
    ])
    await paid(id, 0)
    expect((await request(id, wanted(3), { key: 'early' })).status).toBe(201)
  })

  it('is refused, changes nothing and is not offered', async () => {
    const { id } = await sent()
    await paid(id, 0)
    expect(await actions(id)).toEqual(['return'])
    await paid(id, 7817)
    const before = await door.counts()
    const answer = await request(id, wanted(3))
    expect([answer.status, answer.body.code]).toEqual([409, 'return_already_refunded'])
    // the refusal is kept for the key
    expect(await door.counts()).toEqual({ ...before, keys: (before.keys ?? 0) + 1 })
    expect(await actions(id)).toEqual([])
  })

  it('is offered as long as the cheapest unit can be paid back, and is possible as long as it is offered', async () => {
    const { id } = await sent()
    // a shirt is 24.08
    for (const [left, offered] of [
      [1, false],
      [2407, false],
      [2408, true],
    ] as const) {
      await paid(id, 7817 - left)
      expect([left, await actions(id)]).toEqual([left, offered ? ['return'] : []])
      expect([left, (await request(id)).status]).toEqual([left, offered ? 201 : 409])
    }
    // what is asked for already has the money that is left
    expect(await actions(id)).toEqual([])
    expect((await request(id)).body.code).toBe('return_already_refunded')
  })

  it('is offered for what costs less, and what was lost and paid back counts', async () => {
    const { id } = await sent([['delivered', 2]])
    const { database } = door
    const line = { name: 'A book', unitPrice: 1_005n, taxClass: 'reduced', weightGrams: 400 }
    await database.orderLine.create({
      data: { ...line, orderId: id, position: 1, sku: 'BOOK', quantity: 2, total: 2_010n, tax: 181n },
    })
    const parcel = {
      orderId: id,
      warehouse: 'AMS',
      history: [],
      returnableUntil: new Date(Date.now() + 60_000),
    }
    const books = (quantity: number) => [{ sku: 'BOOK', quantity }]
    await database.orderShipment.create({
      data: { ...parcel, id: randomUUID(), status: 'delivered', lines: books(1) },
    })
    await paid(id, 7817 - 1095)
    expect(await actions(id)).toEqual([])
    await paid(id, 7817 - 1096)
    expect(await actions(id)).toEqual(['return'])
    // the first of two books is 10.96, the second 10.95
    const lost = await database.orderShipment.create({
      data: { ...parcel, id: randomUUID(), status: 'lost', lines: books(1) },
    })
    await database.lostParcel.create({
      data: { shipmentId: lost.id, orderId: id, goods: 1096n, shipping: 0n },
    })
    await paid(id, 7817 - 1095)
    expect(await actions(id)).toEqual(['return'])
    expect((await request(id, wanted(1, 'BOOK'))).status).toBe(201)
  })

  it('counts what other open returns would give back', async () => {
    const { id } = await sent()
    await paid(id, 2417)
    const [first, second] = [await request(id), await request(id)]
    expect([first.status, second.status]).toEqual([201, 201])
    expect((await request(id)).body.code).toBe('return_already_refunded')
    await walk(first.body.id, 'approved')
    expect((await request(id)).body.code).toBe('return_already_refunded')
    await walk(second.body.id, 'rejected')
    expect((await request(id)).status).toBe(201)
  })

  it('is not approved when the money went back after the request', async () => {
    const { id } = await sent()
    await paid(id, 0)
    const { body } = await request(id, wanted(3))
    await paid(id, 7817)
    const path = `/api/v1/returns/${body.id}/approve`
    const answer = await door.post(operator, path)
    expect([answer.status, answer.body.code]).toEqual([409, 'return_already_refunded'])
    expect(door.returnWorkflows.command).not.toHaveBeenCalled()
    await paid(id, 0)
    expect((await door.post(operator, path)).status).toBe(202)
  })

  it('is as much as was left when it is received', async () => {
    const { id } = await sent()
    await paid(id, 0)
    const { body } = await request(id, wanted(3))
    await walk(body.id, 'approved', 'received')
    await paid(id, 7000)
    await record({ returnId: body.id, status: 'refunded', paid: 817 })
    expect((await door.get(customer, `/api/v1/returns/${body.id}`)).body.refund).toBe(817)
    const { returns } = (await door.get(customer, `/api/v1/orders/${id}`)).body
    expect(returns).toMatchObject([{ status: 'refunded', refund: 817 }])
  })

  it('promises no more than is left, before and when it is received', async () => {
    const { id } = await sent()
    await paid(id, 0)
    const { body } = await request(id, wanted(3))
    const shown = async () => [
      (await door.get(customer, `/api/v1/returns/${body.id}`)).body.refund,
      (await door.get(customer, `/api/v1/orders/${id}`)).body.returns[0].refund,
    ]
    await walk(body.id, 'approved')
    expect(await shown()).toEqual([7224, 7224])
    await paid(id, 7000)
    expect(await shown()).toEqual([817, 817])
    await paid(id, 7817)
    expect(await shown()).toEqual([0, 0])
    // the payments service, which knows what is left, is asked for all of it
    expect(await walk(body.id, 'received')).toEqual({ amount: 7817, shipping: 593 })
    expect(await walk(body.id, 'received')).toEqual({ amount: 7817, shipping: 593 })
    expect(await shown()).toEqual([0, 0])
    await record({ returnId: body.id, status: 'refunded', paid: 0 })
    expect(await shown()).toEqual([0, 0])
  })

  it('says what goes back also while its own money is going', async () => {
    const { id } = await sent()
    await paid(id, 0)
    const { body } = await request(id, wanted(3))
    await walk(body.id, 'approved', 'received')
    await paid(id, 7817)
    expect((await door.get(customer, `/api/v1/returns/${body.id}`)).body.refund).toBe(7817)
  })

  it('is no question where nothing was to pay', async () => {
    const { id } = await sent()
    await door.database
      .$executeRaw`UPDATE order_lines SET unit_price = 0, total = 0, tax = 0 WHERE order_id = ${id}::uuid`
    await paid(id, 0, 0)
    expect((await request(id)).status).toBe(201)
  })
})
