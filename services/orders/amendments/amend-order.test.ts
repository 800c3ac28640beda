import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { ProblemError } from '#platform/problem.ts'
import { temporalAway } from '#platform/temporal/errors.ts'
import { ada, customer, operator, ordersDoor, stranger } from '#tests/support/orders-door.ts'
import { ADDRESS } from '#tests/support/orders.ts'
import { createRecordProgress } from '../record-progress.ts'
import { createRefuseAmendment } from './settle-amendment.ts'

const door = await ordersDoor()
beforeEach(() => {
  door.workflows.amend.mockReset().mockResolvedValue({ outcome: 'applied' })
})

const end = async (orderId: string) => {
  const record = createRecordProgress(door.transact)
  await record({ orderId, status: 'reserving', steps: [] })
  await record({ orderId, status: 'rejected', steps: [] })
}
/** What the customer said is in the database, beside the orders. */
const amendments = () => door.database.amendment.findMany()

describe('POST /api/v1/orders/:id/amendments', () => {
  const BERLIN = { ...ADDRESS, line1: 'Unter den Linden 1', city: 'Berlin', country: 'DE' }
  const amend = (id: string, body: unknown, options = {}, who = customer) =>
    door.post(who, `/api/v1/orders/${id}/amendments`, body, options)

  it('stores what is wanted, tells the workflow its id only, and answers 200 when it is the order', async () => {
    const { id } = await door.place(ada)
    const lines = [{ sku: 'BOOK', quantity: 1 }]
    const answer = await amend(id, { lines, shippingAddress: BERLIN })
    expect([answer.status, answer.body.id]).toEqual([200, id])
    const [[input, command] = []] = door.workflows.amend.mock.calls
    expect([input?.orderId, command?.by]).toEqual([id, ada])
    expect(JSON.stringify(door.workflows.amend.mock.calls)).not.toContain('Linden')
    const stored = await door.database.amendment.findUniqueOrThrow({ where: { id: command!.amendmentId } })
    expect(stored).toMatchObject({ orderId: id, status: 'requested', lines, shippingAddress: BERLIN })
  })

  it('answers 202 while it waits its turn', async () => {
    const { id } = await door.place(ada)
    door.workflows.amend.mockResolvedValueOnce(undefined)
    expect((await amend(id, { shippingAddress: BERLIN })).status).toBe(202)
  })

  it.each([
    ['insufficient_stock', 'amendment_refused'],
    ['spending_limit_exceeded', 'spending_limit_exceeded'],
    ['order_not_amendable', 'order_not_amendable'],
  ])('answers 409 with the reason when it comes to nothing: %s', async (reason, code) => {
    const { id } = await door.place(ada)
    const message = 'There is not enough.'
    door.workflows.amend.mockResolvedValueOnce({ outcome: 'refused', code: reason, message })
    const answer = await amend(id, { lines: [{ sku: 'TEE', quantity: 9 }] })
    expect(answer.body).toMatchObject({ status: 409, code, detail: message })
  })

  it('takes one of two who change the same version at the same time; who names none does not ask', async () => {
    const { id } = await door.place(ada)
    door.workflows.amend.mockResolvedValue(undefined)
    const headers = { 'if-match': '"1"' }
    const answers = await Promise.all(
      [1, 2, 3].map(() => amend(id, { shippingAddress: BERLIN }, { headers })),
    )
    expect(answers.map(({ status }) => status).toSorted((one, other) => one - other)).toEqual([202, 412, 412])
    expect(answers.find(({ status }) => status === 412)?.body.code).toBe('stale_version')
    expect(door.workflows.amend).toHaveBeenCalledTimes(1)
    expect((await amend(id, { shippingAddress: BERLIN })).status).toBe(202)
    expect(await door.database.amendment.count({ where: { orderId: id } })).toBe(2)
  })

  it('that was never accepted gives way to another of the same version, once its sender has long heard so', async () => {
    const { id } = await door.place(ada)
    const headers = { 'if-match': '"1"' }
    const makeOld = () =>
      door.database.amendment.updateMany({
        where: { orderId: id },
        data: { requestedAt: new Date(Date.now() - 61_000) },
      })
    const [lost, body] = [randomUUID(), { shippingAddress: BERLIN }]
    door.workflows.amend.mockRejectedValueOnce(temporalAway(new Error('away')))
    expect((await amend(id, body, { key: lost, headers })).status).toBe(503)
    const unheard = door.workflows.amend.mock.lastCall![1].amendmentId
    expect((await amend(id, body, { headers })).status).toBe(412) // the first one may still be on its way
    await makeOld()
    door.workflows.amend.mockResolvedValueOnce(undefined)
    expect((await amend(id, body, { headers })).status).toBe(202)
    expect(await door.database.amendment.findUnique({ where: { id: unheard } })).toMatchObject({
      status: 'refused',
      code: 'stale_version',
      shippingAddress: null,
    })
    // its sender comes again after all, and so does the workflow
    expect((await amend(id, body, { key: lost })).body).toMatchObject({ status: 412, code: 'stale_version' })
    await makeOld()
    expect((await amend(id, body, { headers })).status).toBe(412) // the second one was accepted
    expect(door.workflows.amend).toHaveBeenCalledTimes(2)
  })

  it('keeps nothing of what the workflow does not even take', async () => {
    const { id } = await door.place(ada)
    const before = await amendments()
    door.workflows.amend.mockRejectedValueOnce(new ProblemError('order_not_amendable', 'It is packed.'))
    expect((await amend(id, { shippingAddress: BERLIN })).body.code).toBe('order_not_amendable')
    expect(await amendments()).toEqual(before)
  })

  it('is one amendment however often it is sent: after a 503, and with the answer lost', async () => {
    const { id } = await door.place(ada)
    const [key, body] = [randomUUID(), { shippingAddress: BERLIN }]
    door.workflows.amend.mockRejectedValueOnce(temporalAway(new Error('away')))
    expect((await amend(id, body, { key })).status).toBe(503)
    expect((await amend(id, body, { key })).status).toBe(200)
    const [first, second] = door.workflows.amend.mock.calls
    expect(first?.[1]).toEqual(second?.[1])
    // the key is lost, as after a crash before it was finished: what was settled is the answer
    await door.database.idempotencyKey.deleteMany({ where: { key } })
    const { amendmentId } = second![1]
    await door.database.amendment.update({ where: { id: amendmentId }, data: { status: 'applied' } })
    expect((await amend(id, body, { key })).status).toBe(200)
    expect(door.workflows.amend).toHaveBeenCalledTimes(2)
  })

  it('is told by the timeline as one request, whatever becomes of it', async () => {
    const { id } = await door.place(ada)
    const lines = [{ sku: 'BOOK', quantity: 1 }]
    const told = async () =>
      (await door.get(customer, `/api/v1/orders/${id}/timeline`)).body.data
        .filter(({ kind, name }: Record<string, string>) => kind !== 'event' && name !== 'placeOrder')
        .map(({ kind, name, status }: Record<string, string>) => [kind, name, status])
    const request = ['request', 'amend', 'accepted']
    const key = randomUUID()
    expect((await amend(id, { lines }, { key })).status).toBe(200)
    expect((await amend(id, { lines }, { key })).status).toBe(200)
    expect(await told()).toEqual([request])
    door.workflows.amend.mockResolvedValueOnce(undefined)
    expect((await amend(id, { lines })).status).toBe(202)
    expect(await told()).toEqual([request, request])
    door.workflows.amend.mockImplementationOnce(async (_input, { amendmentId }) => {
      const why = { code: 'insufficient_stock', message: 'There is not enough.' }
      await createRefuseAmendment(door.transact)({ orderId: id, amendmentId, ...why })
      return { outcome: 'refused', ...why }
    })
    const again = randomUUID()
    expect((await amend(id, { lines }, { key: again })).status).toBe(409)
    // the outcome of each is the workflow's journal's to tell
    expect(await told()).toEqual([request, request, request])
    // the key is lost, as after a crash before it was finished
    await door.database.idempotencyKey.deleteMany({ where: { key: again } })
    expect((await amend(id, { lines }, { key: again })).body.code).toBe('amendment_refused')
    door.workflows.amend.mockRejectedValueOnce(new ProblemError('order_not_amendable', 'It waits.'))
    expect((await amend(id, { lines })).status).toBe(409)
    expect(await told()).toEqual([request, request, request])
  })

  it('that never reached the workflow was not accepted, and is too late after the end', async () => {
    const { id } = await door.place(ada)
    const [key, body] = [randomUUID(), { shippingAddress: BERLIN }]
    door.workflows.amend.mockRejectedValueOnce(temporalAway(new Error('away')))
    expect((await amend(id, body, { key })).status).toBe(503)
    await end(id)
    expect((await amend(id, body, { key })).body.code).toBe('order_not_amendable')
    const entries = await door.database.timelineEntry.findMany({ where: { orderId: id, name: 'amend' } })
    expect(entries).toEqual([])
  })

  it.each([
    ['nothing', {}, 'validation_failed'],
    ['no lines', { lines: [] }, 'validation_failed'],
    [
      '51 lines',
      { lines: Array.from({ length: 51 }, () => ({ sku: 'TEE', quantity: 1 })) },
      'validation_failed',
    ],
    ['another field', { shippingAddress: ADDRESS, total: 1 }, 'validation_failed'],
    ['a price', { lines: [{ sku: 'TEE', quantity: 1, price: 1 }] }, 'validation_failed'],
    ['half an address', { shippingAddress: { name: 'Ada' } }, 'validation_failed'],
    ['an unknown product', { lines: [{ sku: 'NOPE', quantity: 1 }] }, 'unknown_sku'],
    ['what is not for sale', { lines: [{ sku: 'OLD', quantity: 1 }] }, 'product_inactive'],
    ['another currency', { lines: [{ sku: 'YEN', quantity: 1 }] }, 'currency_mismatch'],
  ])('refuses %s at once, and keeps nothing', async (_what, body, code) => {
    const { id } = await door.place(ada)
    const before = await amendments()
    expect((await amend(id, body)).body.code).toBe(code)
    expect(await amendments()).toEqual(before)
    expect(door.workflows.amend).not.toHaveBeenCalled()
  })

  it('is the customer’s own, needs a key, and the version it names', async () => {
    const { id } = await door.place(ada)
    const body = { shippingAddress: BERLIN }
    expect((await amend(id, body, {}, stranger)).body.code).toBe('not_found')
    expect((await amend(id, body, {}, operator)).body.code).toBe('forbidden')
    expect((await amend(id, body, { key: null })).body.code).toBe('idempotency_key_missing')
    expect((await amend(id, body, { headers: { 'if-match': '"2"' } })).body.code).toBe('stale_version')
    await end(id)
    expect((await amend(id, body)).body.code).toBe('order_not_amendable')
    expect(door.workflows.amend).not.toHaveBeenCalled()
    expect(await door.database.amendment.count({ where: { orderId: id } })).toBe(0)
  })
})
