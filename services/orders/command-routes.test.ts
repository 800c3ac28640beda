import { randomUUID } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { ProblemError } from '#platform/problem.ts'
import { ada, customer, operator, ordersDoor, stranger } from '#tests/support/orders-door.ts'
import { createRecordProgress } from './record-progress.ts'

const door = await ordersDoor()
beforeEach(() => {
  door.workflows.command.mockReset().mockResolvedValue()
})

const pathOf = (id: string, command: string) => `/api/v1/orders/${id}/${command}`
const end = async (orderId: string) => {
  const record = createRecordProgress(door.transact)
  await record({ orderId, status: 'reserving', steps: [] })
  await record({ orderId, status: 'rejected', steps: [] })
}

describe.each([
  ['decisions', 'decide', { decision: 'ship_available' }, 'no_decision_waiting'],
  [
    'payment-method',
    'changePaymentMethod',
    { paymentMethod: 'pm_card_mastercard' },
    'no_payment_method_waiting',
  ],
] as const)('POST /api/v1/orders/:id/%s', (path, name, body, refusal) => {
  it('hands the answer to the workflow', async () => {
    const { id } = await door.place(ada)
    const answer = await door.post(customer, pathOf(id, path), body, { key: null })
    expect([answer.status, answer.body.id]).toEqual([202, id])
    expect(door.workflows.command).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({ orderId: id }),
      { name, argument: { ...body, by: ada } },
      expect.any(String),
      { mayStart: true },
    )
  })

  it('hands a repeated key over once', async () => {
    const { id } = await door.place(ada)
    const key = randomUUID()
    const first = await door.post(customer, pathOf(id, path), body, { key })
    const again = await door.post(customer, pathOf(id, path), body, { key })
    expect([again.status, again.body, again.headers['idempotency-replayed']]).toEqual([
      202,
      first.body,
      'true',
    ])
    expect(door.workflows.command).toHaveBeenCalledOnce()
  })

  it('is the customer’s own: to others there is no such order, and operators do not answer for them', async () => {
    const { id } = await door.place(ada)
    expect((await door.post(stranger, pathOf(id, path), body)).body.code).toBe('not_found')
    expect((await door.post(operator, pathOf(id, path), body)).body.code).toBe('forbidden')
    expect(door.workflows.command).not.toHaveBeenCalled()
  })

  it('is 409 when nothing waits for it, also once the order has ended', async () => {
    const { id } = await door.place(ada)
    door.workflows.command.mockRejectedValueOnce(new ProblemError(refusal, 'Nothing waits.'))
    expect((await door.post(customer, pathOf(id, path), body)).body).toMatchObject({
      status: 409,
      code: refusal,
    })
    await end(id)
    door.workflows.command.mockClear()
    expect((await door.post(customer, pathOf(id, path), body)).body.code).toBe(refusal)
    expect(door.workflows.command).not.toHaveBeenCalled()
  })

  it('stays accepted when its first answer got lost and the order has ended meanwhile', async () => {
    const { id } = await door.place(ada)
    const key = randomUUID()
    const send = () => door.post(customer, pathOf(id, path), body, { key })
    expect((await send()).status).toBe(202)
    await end(id)
    // as after a crash before the key was finished
    await door.database.idempotencyKey.deleteMany({ where: { key } })
    expect((await send()).status).toBe(202)
    expect(door.workflows.command).toHaveBeenCalledOnce()
    expect((await door.post(customer, pathOf(id, path), body)).body.code).toBe(refusal)
  })

  it('refuses what it does not know, and an older version', async () => {
    const { id } = await door.place(ada)
    const unknown = await door.post(customer, pathOf(id, path), { ...body, force: true })
    expect(unknown.body.code).toBe('validation_failed')
    const nonsense = Object.fromEntries(Object.keys(body).map((field) => [field, '?']))
    const code = path === 'payment-method' ? 'payment_method_unknown' : 'validation_failed'
    expect((await door.post(customer, pathOf(id, path), nonsense)).body.code).toBe(code)
    const stale = await door.post(customer, pathOf(id, path), body, { headers: { 'if-match': '"9"' } })
    expect(stale.body.code).toBe('stale_version')
    expect(door.workflows.command).not.toHaveBeenCalled()
  })
})
