import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { ReturnStatus } from '#contracts/states.ts'
import type { Finding } from '#contracts/workflows.ts'
import { silentLogger } from '#tests/support/orders.ts'
import { returnsDoor } from '#tests/support/returns-door.ts'
import { createRaiseConcern, createSettleConcern } from '../concerns.ts'
import type { StartReturn } from '../returns/start-returns.ts'
import { createCheckReturns } from './check-returns.ts'
import { createRecordFindings } from './record-findings.ts'
import type { WorkflowState } from './workflow-states.ts'

const door = await returnsDoor()
const startReturn = vi.fn<StartReturn>()
const known = new Map<string, WorkflowState>()
const statesOf = async (ids: readonly string[]) =>
  new Map(ids.flatMap((id) => (known.has(id) ? [[id, known.get(id)!] as const] : [])))
beforeEach(async () => {
  startReturn.mockReset().mockResolvedValue()
  known.clear()
  await door.database.return.updateMany({ data: { status: 'rejected' } })
})

const settleConcern = createSettleConcern(door.transact)
const check = () =>
  createCheckReturns({
    database: door.database,
    statesOf,
    startReturn,
    settleConcern,
    logger: silentLogger,
  })()
const recordFindings = (findings: Finding[]) =>
  createRecordFindings({ transact: door.transact, logger: silentLogger })({ findings })

const WAY = ['approved', 'received', 'refunded'] as const
/** A return that was requested and last moved so many minutes ago. */
async function returnIn(
  status: ReturnStatus,
  { minutes = 2, state, orderId }: { minutes?: number; state?: WorkflowState; orderId?: string } = {},
): Promise<{ id: string; orderId: string }> {
  const { id, orderId: of } = (await door.request(orderId ?? (await door.sent()).id)).body
  await door.walk(id, ...WAY.filter((_, index) => index <= WAY.findIndex((one) => one === status)))
  const at = new Date(Date.now() - minutes * 60_000)
  await door.database.return.update({ where: { id }, data: { createdAt: at, updatedAt: at } })
  if (state !== undefined) known.set(id, state)
  return { id, orderId: of }
}

describe('checkReturns', () => {
  it('starts the workflow that a return lacks which nobody has answered', async () => {
    const { id, orderId } = await returnIn('requested')
    const detail = `return ${id} is requested and had no workflow`
    expect(await check()).toEqual([{ kind: 'return_stuck', subjectId: id, orderId, detail, repaired: true }])
    expect(startReturn).toHaveBeenCalledExactlyOnceWith(id)
  })

  it('says that it could not', async () => {
    const { id } = await returnIn('requested')
    startReturn.mockRejectedValueOnce(new Error('away'))
    expect(await check()).toMatchObject([{ subjectId: id, repaired: false }])
  })

  it.each<[ReturnStatus, WorkflowState | undefined, string]>([
    ['approved', undefined, 'had no workflow'],
    ['received', undefined, 'had no workflow'],
    ['requested', 'closed', 'its workflow has ended'],
    ['received', 'closed', 'its workflow has ended'],
  ])('leaves a return that is %s and whose workflow is %s to people', async (status, state, what) => {
    const { id } = await returnIn(status, state === undefined ? {} : { state })
    expect(await check()).toMatchObject([
      { detail: `return ${id} is ${status} and ${what}`, repaired: false },
    ])
    expect(startReturn).not.toHaveBeenCalled()
  })

  it('finds nothing wrong with who is young, waits for people or has ended', async () => {
    await returnIn('approved', { minutes: 0.5 })
    await returnIn('requested', { minutes: 600, state: 'running' })
    await returnIn('approved', { minutes: 600, state: 'running' })
    await returnIn('received', { minutes: 59, state: 'running' })
    await returnIn('refunded', { minutes: 600, state: 'closed' })
    expect(await check()).toEqual([])
  })

  it('notices goods that are here for more than an hour unpaid, while nobody is asked about them', async () => {
    const { id, orderId } = await returnIn('received', { minutes: 61, state: 'running' })
    expect(await check()).toMatchObject([{ subjectId: id, repaired: false }])
    const source = `return:${id}:refundPayment`
    await createRaiseConcern(door.transact)({
      orderId,
      source,
      step: 'return',
      operation: 'refundPayment',
      error: 'e',
    })
    expect(await check()).toEqual([])
  })

  it('puts each return of an order before the operators, until that one has come to its end', async () => {
    const first = await returnIn('approved', { state: 'closed' })
    const { orderId } = first
    const second = await returnIn('received', { state: 'closed', orderId })
    await recordFindings(await check())
    const open = async () =>
      (await door.database.concern.findMany({ where: { orderId, settledAt: null } })).map(
        ({ error }) => error,
      )
    expect(await open()).toHaveLength(2)
    await check()
    expect(await open()).toHaveLength(2)
    await door.walk(second.id, 'refunded')
    await check()
    expect(await open()).toEqual([`return ${first.id} is approved and its workflow has ended`])
    expect(await door.database.concern.findFirst({ where: { orderId, settledBy: 'system' } })).toMatchObject({
      operation: 'return_stuck',
      note: 'the return is refunded',
    })
  })
})
