/** Stories in which the provider is away or pays early, and operators decide. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Order } from '#contracts/http/orders.ts'
import type { Return } from '#contracts/http/returns.ts'
import { BY_HAND_ADDRESS } from '#stack/demo/addresses.ts'
import type { Stage } from '#stack/demo/stage.ts'
import type { FollowedOrder } from '#stack/demo/story.ts'
import { cancel, isBooked, moveParcel, orderOnly, type Group } from './record-moves.ts'

/** Until the platform tries again what was away. */
const BREAKER_CLOSES_MS = 3_000

/** A jacket was bought, and may come back. */
async function agreedReturn(stage: Stage): Promise<{ order: FollowedOrder; id: string }> {
  const { customer, operator } = stage
  const sku = await stage.product('Jacket', { AMS: 1 })
  const order = await stage.place({ lines: [{ sku, quantity: 1 }] })
  await order.end()
  const lines = [{ sku, quantity: 1, reason: 'too small' }]
  const { id } = await customer.command<Return>(`/api/v1/orders/${order.id}/returns`, { lines })
  await operator.command(`/api/v1/returns/${id}/approve`, {})
  return { order, id }
}

const receive = ({ operator }: Stage, id: string): Promise<unknown> =>
  operator.command(`/api/v1/returns/${id}/receive`, { warehouse: 'AMS', disposition: 'restock' })

/** The goods are back, and the provider is away. */
async function returnInVain(stage: Stage): Promise<FollowedOrder> {
  const { order, id } = await agreedReturn(stage)
  await stage.outside.breakProvider()
  await receive(stage, id)
  return order
}

const isPaidBack = ({ returns }: Order): boolean => returns.some(({ status }) => status === 'refunded')

async function mend({ outside }: Stage): Promise<void> {
  await outside.mendProvider()
  await sleep(BREAKER_CLOSES_MS)
}

/** An operator has seen to it otherwise. */
async function resolve({ operator }: Stage, order: FollowedOrder): Promise<void> {
  await order.until('waiting for an operator', ({ needsAttention }) => needsAttention)
  await operator.command(`/api/v1/orders/${order.id}/operations`, {
    action: 'resolve',
    note: 'by bank transfer',
  })
}

export const OPERATORS: readonly Group[] = [
  {
    settings: { AMENDMENT_SECONDS: '0' },
    recordings: {
      // the provider is away when the goods are here: an operator has the money paid back once it is there again
      'return-attention': {
        keeps: ['return'],
        async play(stage) {
          const order = await returnInVain(stage)
          await order.until('waiting for an operator', ({ needsAttention }) => needsAttention)
          await mend(stage)
          await stage.operator.command(`/api/v1/orders/${order.id}/operations`, {
            action: 'retry',
            note: 'it is mended',
          })
          await order.until('refunded', isPaidBack)
        },
      },
    },
  },
  {
    settings: { AMENDMENT_SECONDS: '0' },
    recordings: {
      // the provider is away when the parcel leaves, or is lost, or comes back: the money goes another way
      'capture-resolved': orderOnly(async (stage) => {
        const sku = await stage.product('Vase', { AMS: 1 })
        const order = await stage.place({ lines: [{ sku, quantity: 1 }], shippingAddress: BY_HAND_ADDRESS })
        const here = await order.until('booked', isBooked)
        await stage.outside.breakProvider()
        await moveParcel(stage, here, 'booked', 'dispatch')
        await resolve(stage, order)
        await mend(stage)
        await moveParcel(stage, await stage.customer.readOrder(order.id), 'dispatched', 'deliver')
        await order.end()
      }),
      'lost-resolved': orderOnly(async (stage) => {
        const sku = await stage.product('Lamp', { AMS: 1, LJU: 1 })
        const order = await stage.place({ lines: [{ sku, quantity: 2 }], shippingAddress: BY_HAND_ADDRESS })
        await moveParcel(stage, await order.until('booked', isBooked), 'booked', 'dispatch')
        const paid = await order.until('paid in part', ({ payment }) => payment.captured > 0)
        await stage.outside.breakProvider()
        await moveParcel(stage, paid, 'dispatched', 'lose')
        await resolve(stage, order)
        // with the other parcel given up, the shipping cost goes back as well, and what is authorized
        await cancel(stage, order)
        await resolve(stage, order)
        await resolve(stage, order)
        await mend(stage)
        await order.end()
      }),
      'return-resolved': {
        keeps: ['return'],
        async play(stage) {
          const order = await returnInVain(stage)
          await resolve(stage, order)
          await mend(stage)
          await order.until('refunded', isPaidBack)
        },
      },
    },
  },
  {
    settings: { AMENDMENT_SECONDS: '0', REFUND_ON: 'approval' },
    recordings: {
      // the money goes back before the goods are here
      'return-on-approval': {
        keeps: ['return'],
        async play(stage) {
          const { order, id } = await agreedReturn(stage)
          await order.until('paid back', ({ payment }) => payment.status === 'refunded')
          await receive(stage, id)
          await order.until('received', ({ returns }) => returns.some(({ status }) => status === 'refunded'))
        },
      },
    },
  },
]
