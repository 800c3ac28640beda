/** The only door through which an address leaves this service, for the activity that books the parcel. */
import { ApplicationFailure } from '@temporalio/common'
import type { Address } from '#contracts/schemas.ts'
import { FAILURE } from '#contracts/workflows.ts'
import type { OrdersDatabase } from './store.ts'

export const createLoadShippingAddress =
  (database: OrdersDatabase) =>
  async ({ orderId }: { orderId: string }): Promise<Address> => {
    const [row] = await database.$queryRaw<{ shipping_address: Address }[]>`
      SELECT shipping_address FROM orders WHERE id = ${orderId}::uuid`
    if (row === undefined)
      throw ApplicationFailure.nonRetryable(`there is no order ${orderId}`, FAILURE.refused)
    return row.shipping_address
  }
