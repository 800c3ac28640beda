/** The end of an amendment: it becomes the order, or comes to nothing. Its address is kept no longer than that. */
import { ApplicationFailure } from '@temporalio/common'
import { FAILURE } from '#contracts/workflows.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import { lockOrder } from '../lock-order.ts'
import { reviseRows } from '../revise-rows.ts'
import type { OrdersTransaction } from '../store.ts'
import { lockAmendment, type AmendmentRef } from './amendment.ts'

export type ApplyAmendment = (input: AmendmentRef) => Promise<void>
export type RefuseAmendment = (input: AmendmentRef & { code: string; message: string }) => Promise<void>

/** Makes what was quoted the order. A repeat changes nothing. */
export const createApplyAmendment =
  (transact: UnitOfWork<OrdersTransaction>): ApplyAmendment =>
  ({ orderId, amendmentId }) =>
    transact(async (tx) => {
      const order = await lockOrder(tx, orderId)
      const { status, quote, shipping_address: address } = await lockAmendment(tx, { orderId, amendmentId })
      if (status === 'applied') return
      if (status === 'refused' || quote === null) throw refused(`amendment ${amendmentId} cannot be applied`)
      if (address !== null) {
        await tx.$executeRaw`
          UPDATE orders SET shipping_address = ${JSON.stringify(address)}::jsonb WHERE id = ${orderId}::uuid`
      }
      await reviseRows(tx, order, quote, { reason: 'amendment' })
      await tx.$executeRaw`
        UPDATE amendments SET status = 'applied', shipping_address = NULL WHERE id = ${amendmentId}::uuid`
    })

/** Notes that it came to nothing, and why; the workflow's journal tells the timeline. A repeat changes nothing. */
export const createRefuseAmendment =
  (transact: UnitOfWork<OrdersTransaction>): RefuseAmendment =>
  ({ orderId, amendmentId, code, message }) =>
    transact(async (tx) => {
      await lockOrder(tx, orderId)
      const { status } = await lockAmendment(tx, { orderId, amendmentId })
      if (status === 'applied') throw refused(`amendment ${amendmentId} is applied already`)
      await tx.$executeRaw`
        UPDATE amendments SET status = 'refused', shipping_address = NULL, code = ${code}, message = ${message}
        WHERE id = ${amendmentId}::uuid AND status = 'requested'`
    })

const refused = (message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, FAILURE.refused)
