import { beforeEach, describe, expect, it } from 'vitest'
import type { ShipmentStatus } from '#contracts/states.ts'
import { silentLogger } from '#tests/support/orders.ts'
import { returnsDoor } from '#tests/support/returns-door.ts'
import { createSettleConcern } from '../concerns.ts'
import { createCheckParcels } from './check-parcels.ts'
import { createRecordFindings } from './record-findings.ts'
import type { WorkflowState } from './workflow-states.ts'

const door = await returnsDoor()
const known = new Map<string, WorkflowState>()
beforeEach(async () => {
  known.clear()
  await door.database.orderShipment.updateMany({ data: { status: 'delivered' } })
})

const check = createCheckParcels({
  database: door.database,
  statesOf: async (ids) =>
    new Map(ids.flatMap((id) => (known.has(id) ? [[id, known.get(id)!] as const] : []))),
  settleConcern: createSettleConcern(door.transact),
})

/** The only parcel of an order that is on its way. */
async function parcelIn(
  status: ShipmentStatus,
  { state, ended = false }: { state?: WorkflowState; ended?: boolean } = {},
) {
  const { id: orderId, parcels } = await door.sent([[status, 3]], { ended })
  const [id = ''] = parcels
  if (state !== undefined) known.set(id, state)
  return { id, orderId }
}

describe('checkParcels', () => {
  it.each<[ShipmentStatus, WorkflowState | undefined, string]>([
    ['pending', 'closed', 'its workflow has ended'],
    ['booked', 'closed', 'its workflow has ended'],
    ['dispatched', 'closed', 'its workflow has ended'],
    ['dispatched', undefined, 'has no workflow'],
  ])('finds a parcel that is %s and whose workflow is %s', async (status, state, what) => {
    const { id, orderId } = await parcelIn(status, state === undefined ? {} : { state })
    const detail = `parcel ${id} is ${status} and ${what}`
    expect(await check()).toEqual([{ kind: 'parcel_stuck', subjectId: id, orderId, detail, repaired: false }])
  })

  it('finds nothing wrong with who is followed, has arrived, or has said so just now', async () => {
    await parcelIn('dispatched', { state: 'running' })
    await parcelIn('dispatched', { state: 'completed' })
    for (const status of ['delivered', 'lost', 'cancelled'] as const)
      await parcelIn(status, { state: 'closed' })
    await parcelIn('dispatched', { state: 'closed', ended: true })
    expect(await check()).toEqual([])
  })

  it('leaves an order alone that asks an operator itself', async () => {
    const { orderId } = await parcelIn('booked', { state: 'closed' })
    const attention = {
      step: 'ship',
      operation: 'ship',
      error: 'e',
      attempts: 1,
      since: new Date().toISOString(),
    }
    await door.database.order.update({ where: { id: orderId }, data: { attention } })
    expect(await check()).toEqual([])
  })

  it('puts each parcel before the operators, until that one has come to its end', async () => {
    const { id: orderId, parcels } = await door.sent(
      [
        ['booked', 1],
        ['dispatched', 2],
      ],
      { ended: false },
    )
    for (const id of parcels) known.set(id, 'closed')
    await createRecordFindings({ transact: door.transact, logger: silentLogger })({ findings: await check() })
    const open = () => door.database.concern.findMany({ where: { orderId, settledAt: null } })
    expect(await open()).toHaveLength(2)
    await door.database.orderShipment.update({ where: { id: parcels[1]! }, data: { status: 'delivered' } })
    await check()
    expect(await open()).toMatchObject([
      { operation: 'parcel_stuck', error: `parcel ${parcels[0]} is booked and its workflow has ended` },
    ])
    expect(await door.database.concern.findFirst({ where: { orderId, settledBy: 'system' } })).toMatchObject({
      note: 'the parcel is delivered',
    })
  })
})
