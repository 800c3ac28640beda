/** What people do in the stories that are recorded, and in the Temporal UI. */
import type { Client } from '@temporalio/client'
import type { Order } from '#contracts/http/orders.ts'
import { BY_HAND_ADDRESS } from '#stack/demo/addresses.ts'
import { SCENARIOS } from '#stack/demo/scenarios.ts'
import type { Stage } from '#stack/demo/stage.ts'
import type { FollowedOrder } from '#stack/demo/story.ts'

export type Play = (stage: Stage, temporal: Client) => Promise<void>

export interface Recording {
  /** Whose histories are kept: the orders', with `<name>`, or also those of their parcels and returns. */
  keeps: readonly ('order' | 'shipment' | 'return' | 'reconciliation')[]
  play: Play
}

export interface Group {
  settings: Record<string, string>
  recordings: Record<string, Recording>
}

export const waitsFor =
  (what: NonNullable<Order['waitingFor']>['what']) =>
  (order: Order): boolean =>
    order.waitingFor?.what === what

export const isBooked = ({ shipments }: Order): boolean =>
  shipments.length > 0 && shipments.every(({ status }) => status === 'booked')

export const orderOnly = (play: Play): Recording => ({ keeps: ['order'], play })
export const demo = (name: keyof typeof SCENARIOS, ...keeps: Recording['keeps']): Recording => ({
  keeps: ['order', ...keeps],
  play: (stage) => SCENARIOS[name].play(stage),
})

/** Moves the order's parcel that is so, which goes by hand. */
export async function moveParcel(
  { outside }: Stage,
  { shipments }: Order,
  from: 'booked' | 'dispatched',
  ...moves: ('dispatch' | 'deliver' | 'lose')[]
): Promise<void> {
  const parcel = shipments.find(({ status }) => status === from)
  for (const move of moves) await outside.moveParcel(parcel?.trackingNumber ?? '', move)
}

export const cancel = ({ customer }: Stage, { id }: FollowedOrder): Promise<unknown> =>
  customer.command(`/api/v1/orders/${id}/cancel`, { reason: 'changed my mind' })

/** An order of two parcels, of which none has left. */
export async function cancelEverything(stage: Stage): Promise<void> {
  const sku = await stage.product('Lamp', { AMS: 1, LJU: 1 })
  const order = await stage.place({ lines: [{ sku, quantity: 2 }], shippingAddress: BY_HAND_ADDRESS })
  await order.until('booked', isBooked)
  await cancel(stage, order)
  await order.end()
}

export const amend = (
  { customer }: Stage,
  { id }: FollowedOrder,
  sku: string,
  quantity: number,
): Promise<unknown> => customer.command(`/api/v1/orders/${id}/amendments`, { lines: [{ sku, quantity }] })

export const refusedToAmend = (
  stage: Stage,
  order: FollowedOrder,
  sku: string,
  quantity: number,
): Promise<void> =>
  amend(stage, order, sku, quantity).then(
    () => {
      throw new Error(`the change to ${quantity} was not refused`)
    },
    () => {},
  )

/** An order of one parcel, which is booked and goes by hand. */
export async function bookedByHand(
  stage: Stage,
  name: string,
): Promise<{ order: FollowedOrder; booked: Order }> {
  const sku = await stage.product(name, { AMS: 1 })
  const order = await stage.place({ lines: [{ sku, quantity: 1 }], shippingAddress: BY_HAND_ADDRESS })
  return { order, booked: await order.until('booked', isBooked) }
}

/** Until a message has arrived and was answered. */
export const MOMENT_MS = 2_000
