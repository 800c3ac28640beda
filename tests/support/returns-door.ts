/** The HTTP door of the orders service for tests of returns: orders that were sent, and what becomes of a return. */
import { randomUUID } from 'node:crypto'
import { beforeEach } from 'vitest'
import type { OrderStatus, ShipmentStatus } from '#contracts/states.ts'
import { createRecordProgress } from '#services/orders/record-progress.ts'
import {
  createRecordReturn,
  type RecordReturn,
  type RecordReturnInput,
  type ReturnAmount,
} from '#services/orders/returns/record-return.ts'
import {
  ada,
  customer,
  ordersDoor,
  type Answer,
  type Caller,
  type CallOptions,
  type OrdersDoor,
} from './orders-door.ts'

export interface ReturnsDoor extends OrdersDoor {
  record: RecordReturn
  /** An order of ada's whose parcels are where the test wants them. */
  sent(
    parcels?: [ShipmentStatus, number][],
    options?: { days?: number; quantity?: number; ended?: boolean },
  ): Promise<{ id: string; parcels: string[] }>
  /** Asks for a return, of one shirt by ada unless told otherwise. */
  request(orderId: string, body?: unknown, options?: CallOptions, who?: Caller): Promise<Answer>
  /** Moves a return through these states; what it gives back then. */
  walk(returnId: string, ...statuses: RecordReturnInput['status'][]): Promise<ReturnAmount | undefined>
}

export const wanted = (quantity: number, sku = 'TEE') => ({
  lines: [{ sku, quantity, reason: 'too small' }],
})

const DAY = 86_400_000

/** Of one test file; its Temporal is cheerful again before each test. */
export async function returnsDoor(): Promise<ReturnsDoor> {
  const door = await ordersDoor()
  const record = createRecordReturn(door.transact)
  const progress = createRecordProgress(door.transact)
  beforeEach(() => {
    door.returnWorkflows.start.mockReset().mockResolvedValue()
    door.returnWorkflows.command.mockReset().mockResolvedValue()
  })

  return {
    ...door,
    record,
    async sent(parcels = [['delivered', 3]], { days = 30, quantity = 3, ended = true } = {}) {
      const { id } = await door.place(ada, { lines: [{ sku: 'TEE', quantity }] })
      const path: OrderStatus[] = ['reserving', 'authorizing', 'confirmed', 'fulfilling']
      for (const status of ended ? [...path, 'completed' as const] : path) {
        await progress({ orderId: id, status, steps: [] })
      }
      const ids: string[] = []
      for (const [status, units] of parcels) {
        const shipment = await door.database.orderShipment.create({
          data: {
            id: randomUUID(),
            orderId: id,
            warehouse: 'AMS',
            status,
            lines: [{ sku: 'TEE', quantity: units }],
            history: [],
            returnableUntil: status === 'delivered' ? new Date(Date.now() + days * DAY) : null,
          },
        })
        ids.push(shipment.id)
      }
      return { id, parcels: ids }
    },
    request: (id, body = wanted(1), options = {}, who = customer) =>
      door.post(who, `/api/v1/orders/${id}/returns`, body, options),
    async walk(returnId, ...statuses) {
      let given
      for (const status of statuses) {
        const { amount, shipping } = await record({
          returnId,
          status,
          ...(status === 'received' ? { pays: true } : {}),
        })
        given = { amount, shipping }
      }
      return given
    },
  }
}
