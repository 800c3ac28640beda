/** What is recorded: the demo's stories, and those that need other settings or more patience than a demo has. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Order } from '#contracts/http/orders.ts'
import { BY_HAND_ADDRESS } from '#stack/demo/addresses.ts'
import { SCENARIOS } from '#stack/demo/scenarios.ts'
import type { Stage } from '#stack/demo/stage.ts'
import type { FollowedOrder } from '#stack/demo/story.ts'

type Play = (stage: Stage) => Promise<void>

export interface Recording {
  /** Whose histories are kept: the orders', with `<name>`, or also those of their parcels and returns. */
  keeps: readonly ('order' | 'shipment' | 'return' | 'reconciliation')[]
  play: Play
}

export interface Group {
  settings: Record<string, string>
  recordings: Record<string, Recording>
}

const waitsFor =
  (what: NonNullable<Order['waitingFor']>['what']) =>
  (order: Order): boolean =>
    order.waitingFor?.what === what

const isBooked = ({ shipments }: Order): boolean =>
  shipments.length > 0 && shipments.every(({ status }) => status === 'booked')

const orderOnly = (play: Play): Recording => ({ keeps: ['order'], play })
const demo = (name: keyof typeof SCENARIOS, ...keeps: Recording['keeps']): Recording => ({
  keeps: ['order', ...keeps],
  play: (stage) => SCENARIOS[name].play(stage),
})

/** Moves the order's parcel that is so, which goes by hand. */
async function moveParcel(
  { outside }: Stage,
  { shipments }: Order,
  from: 'booked' | 'dispatched',
  ...moves: ('dispatch' | 'deliver' | 'lose')[]
): Promise<void> {
  const parcel = shipments.find(({ status }) => status === from)
  for (const move of moves) await outside.moveParcel(parcel?.trackingNumber ?? '', move)
}

const cancel = ({ customer }: Stage, { id }: FollowedOrder): Promise<unknown> =>
  customer.command(`/api/v1/orders/${id}/cancel`, { reason: 'changed my mind' })

const amend = ({ customer }: Stage, { id }: FollowedOrder, sku: string, quantity: number): Promise<unknown> =>
  customer.command(`/api/v1/orders/${id}/amendments`, { lines: [{ sku, quantity }] })

export const GROUPS: readonly Group[] = [
  {
    settings: { AMENDMENT_SECONDS: '0' },
    recordings: {
      shortage: demo('shortage'),
      backorder: demo('backorder'),
      '3ds': demo('3ds'),
      'new-card': demo('new-card'),
      'cancel-late': demo('cancel-late', 'shipment'),
      lost: demo('lost', 'shipment'),
      returned: demo('return', 'return'),
      'unknown-payment': demo('unknown-payment'),
      attention: demo('attention'),
      'cancel-everything': {
        keeps: ['order', 'shipment'],
        async play(stage) {
          const sku = await stage.product('Lamp', { AMS: 1, LJU: 1 })
          const order = await stage.place({ lines: [{ sku, quantity: 2 }], shippingAddress: BY_HAND_ADDRESS })
          await order.until('booked', isBooked)
          await cancel(stage, order)
          await order.end()
        },
      },
      'shortage-cancelled': orderOnly(async (stage) => {
        const sku = await stage.product('Rug', { AMS: 1 })
        const order = await stage.place({ lines: [{ sku, quantity: 2 }], onShortage: 'ask' })
        await order.until('asking', waitsFor('shortage_decision'))
        await stage.customer.command(`/api/v1/orders/${order.id}/decisions`, { decision: 'cancel' })
        await order.end()
      }),
      reconciliation: { keeps: ['reconciliation'], play: () => sleep(0) },
    },
  },
  {
    settings: {
      AMENDMENT_SECONDS: '0',
      SHORTAGE_DECISION_SECONDS: '2',
      PAYMENT_ACTION_SECONDS: '2',
      BACKORDER_SECONDS: '2',
      DELIVERY_SECONDS: '1',
      LOST_PARCEL: 'reship',
    },
    recordings: {
      'shortage-expired': orderOnly(async (stage) => {
        const sku = await stage.product('Rug', { AMS: 1 })
        await (await stage.place({ lines: [{ sku, quantity: 2 }], onShortage: 'ask' })).end()
      }),
      'backorder-expired': orderOnly(async (stage) => {
        const sku = await stage.product('Rug', {})
        await (await stage.place({ lines: [{ sku, quantity: 2 }], onShortage: 'backorder' })).end()
      }),
      '3ds-expired': orderOnly(async (stage) => {
        const sku = await stage.product('Radio', { AMS: 1 })
        const paymentMethod = 'pm_card_authenticationRequired'
        await (await stage.place({ lines: [{ sku, quantity: 1 }], paymentMethod })).end()
      }),
      reshipped: {
        keeps: ['order', 'shipment'],
        async play(stage) {
          const sku = await stage.product('Vase', { AMS: 2 })
          const order = await stage.place({ lines: [{ sku, quantity: 1 }], shippingAddress: BY_HAND_ADDRESS })
          await moveParcel(stage, await order.until('booked', isBooked), 'booked', 'dispatch')
          await sleep(2_500) // until it is overdue
          await moveParcel(stage, await stage.customer.readOrder(order.id), 'dispatched', 'lose')
          const again = await order.until('sent again', ({ shipments }) =>
            shipments.some(({ status }) => status === 'booked'),
          )
          await moveParcel(stage, again, 'booked', 'dispatch', 'deliver')
          await order.end()
        },
      },
    },
  },
  {
    settings: { AMENDMENT_SECONDS: '6', SAGA_CONTINUE_AFTER_EVENTS: '20' },
    recordings: {
      amended: orderOnly(async (stage) => {
        const sku = await stage.product('Shelf', { AMS: 3 })
        const order = await stage.place({ lines: [{ sku, quantity: 1 }] })
        await order.until('confirmed', ({ status }) => status === 'confirmed')
        await amend(stage, order, sku, 2)
        await amend(stage, order, sku, 9).catch(() => {}) // refused: there are only three
        await order.end()
      }),
      'cancel-confirmed': orderOnly(async (stage) => {
        const sku = await stage.product('Shelf', { AMS: 3 })
        const order = await stage.place({ lines: [{ sku, quantity: 1 }] })
        await order.until('confirmed', ({ status }) => status === 'confirmed')
        await cancel(stage, order)
        await order.end()
      }),
      'backorder-continued': orderOnly(async (stage) => {
        const sku = await stage.product('Armchair', {})
        const order = await stage.place({ lines: [{ sku, quantity: 1 }], onShortage: 'backorder' })
        await order.until('waiting for stock', waitsFor('stock'))
        await stage.receive(sku, 'AMS', 1)
        await order.end()
      }),
    },
  },
]
