/** What is recorded: the demo's stories, and those that need other settings or more patience than a demo has. */
import { setTimeout as sleep } from 'node:timers/promises'
import { orderWorkflowId, shipmentWorkflowId } from '#contracts/workflows.ts'
import { BY_HAND_ADDRESS } from '#stack/demo/addresses.ts'
import { resetRun } from '#stack/demo/reset-run.ts'
import {
  waitsFor,
  isBooked,
  orderOnly,
  demo,
  moveParcel,
  cancel,
  cancelEverything,
  amend,
  refusedToAmend,
  bookedByHand,
  MOMENT_MS,
  type Group,
} from './record-moves.ts'
import { OPERATORS } from './record-operators.ts'

export const GROUPS: readonly Group[] = [
  {
    settings: { AMENDMENT_SECONDS: '0' },
    recordings: {
      shortage: demo('shortage'),
      backorder: demo('backorder'),
      '3ds': demo('3ds'),
      'new-card': demo('new-card'),
      'cancel-late': demo('cancel-late', 'shipment'),
      // since the end of the order decides about the shipping cost
      'cancel-late-shipping': demo('cancel-late'),
      lost: demo('lost', 'shipment'),
      returned: demo('return', 'return'),
      'unknown-payment': demo('unknown-payment'),
      attention: demo('attention'),
      'cancel-everything': { keeps: ['order', 'shipment'], play: cancelEverything },
      // since Temporal is asked by an activity, which follows the acceptance
      'cancel-once-accepted': orderOnly(cancelEverything),
      // one parcel's workflow has ended, by mistake, behind another question: the customer's cancellation answers it
      'cancel-behind-a-question': orderOnly(async (stage, temporal) => {
        const sku = await stage.product('Lamp', { AMS: 1, LJU: 1 })
        const paymentMethod = 'pm_sandbox_capture_fails'
        const lines = [{ sku, quantity: 2 }]
        const order = await stage.place({ lines, paymentMethod, shippingAddress: BY_HAND_ADDRESS })
        const booked = await order.until('booked', isBooked)
        await moveParcel(stage, booked, 'booked', 'dispatch')
        const asked = await order.until('waiting for an operator', ({ needsAttention }) => needsAttention)
        const stays = asked.shipments.find(({ status }) => status === 'booked')
        await temporal.workflow.getHandle(shipmentWorkflowId(stays?.id ?? '')).terminate('by mistake')
        await cancel(stage, order)
        await order.until('given up', ({ shipments }) =>
          shipments.some(({ status }) => status === 'cancelled'),
        )
        const answer = { action: 'resolve', note: 'it was paid in cash' }
        await stage.operator.command(`/api/v1/orders/${order.id}/operations`, answer)
        const left = await stage.customer.readOrder(order.id)
        await moveParcel(stage, left, 'dispatched', 'deliver')
        await order.end()
      }),
      'shortage-cancelled': orderOnly(async (stage) => {
        const sku = await stage.product('Rug', { AMS: 1 })
        const order = await stage.place({ lines: [{ sku, quantity: 2 }], onShortage: 'ask' })
        await order.until('asking', waitsFor('shortage_decision'))
        await stage.customer.command(`/api/v1/orders/${order.id}/decisions`, { decision: 'cancel' })
        await order.end()
      }),
      // reset to a point before its parcel, whose workflow it finds running
      joined: {
        keeps: ['order', 'shipment'],
        async play(stage, temporal) {
          const { order, booked } = await bookedByHand(stage, 'Globe')
          await resetRun(temporal, orderWorkflowId(order.id), 'first')
          await sleep(MOMENT_MS)
          await moveParcel(stage, booked, 'booked', 'dispatch', 'deliver')
          await order.end()
        },
      },
      // its parcel came to its end while it had no workflow
      'told-of-end': orderOnly(async (stage, temporal) => {
        const { order, booked } = await bookedByHand(stage, 'Globe')
        await sleep(MOMENT_MS)
        const workflow = temporal.workflow.getHandle(orderWorkflowId(order.id))
        await workflow.terminate('by mistake')
        await moveParcel(stage, booked, 'booked', 'dispatch', 'deliver')
        await order.until('delivered', ({ shipments }) =>
          shipments.some((parcel) => parcel.status === 'delivered'),
        )
        await resetRun(temporal, orderWorkflowId(order.id), 'last')
        const news = { shipmentId: booked.shipments[0]?.id, status: 'delivered' }
        await workflow.executeUpdate('hearOfParcel', { args: [news] })
        await order.end()
      }),
      // cancelled, and reset: its Updates are told again, before the run has begun anything itself
      'reset-and-cancelled': orderOnly(async (stage, temporal) => {
        const sku = await stage.product('Globe', { AMS: 1 })
        const paymentMethod = 'pm_card_visa_chargeDeclined'
        const order = await stage.place({ lines: [{ sku, quantity: 1 }], paymentMethod })
        await order.until('asking for another card', waitsFor('payment_method'))
        await cancel(stage, order)
        await order.end()
        const workflow = await resetRun(temporal, orderWorkflowId(order.id), 'first')
        await workflow.result().catch(() => {}) // it ends as cancelled
      }),
      // since what is asked of a return is written by an activity
      'once-accepted': demo('return', 'return'),
      reconciliation: { keeps: ['reconciliation'], play: () => sleep(0) },
      // since parcels and returns are looked for by themselves
      parts: { keeps: ['reconciliation'], play: () => sleep(0) },
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
    settings: { AMENDMENT_SECONDS: '6' },
    recordings: {
      // more, less, and more than there is: screened, held, authorized; given back; refused before it costs anything
      'amended-stock-first': orderOnly(async (stage) => {
        const sku = await stage.product('Shelf', { AMS: 3 })
        const order = await stage.place({ lines: [{ sku, quantity: 1 }] })
        await order.until('confirmed', ({ status }) => status === 'confirmed')
        await amend(stage, order, sku, 3)
        await amend(stage, order, sku, 2)
        await refusedToAmend(stage, order, sku, 9)
        await order.end()
      }),
      // the bank wants to be asked, which an amendment does not wait for: its stock is given back
      'amended-undone': orderOnly(async (stage) => {
        const sku = await stage.product('Radio', { AMS: 3 })
        const paymentMethod = 'pm_card_authenticationRequired'
        const order = await stage.place({ lines: [{ sku, quantity: 1 }], paymentMethod })
        const asked = await order.until('at the bank', waitsFor('payment_action'))
        await stage.outside.answerBank(asked.waitingFor?.url ?? '', 'approve')
        await order.until('confirmed', ({ status }) => status === 'confirmed')
        await refusedToAmend(stage, order, sku, 2)
        await order.end()
      }),
    },
  },
  {
    settings: { AMENDMENT_SECONDS: '0', DELIVERY_SECONDS: '1' },
    recordings: {
      // not delivered in time, which is put before the operators until it is
      overdue: {
        keeps: ['shipment'],
        async play(stage) {
          const sku = await stage.product('Vase', { AMS: 1 })
          const order = await stage.place({ lines: [{ sku, quantity: 1 }], shippingAddress: BY_HAND_ADDRESS })
          await moveParcel(stage, await order.until('booked', isBooked), 'booked', 'dispatch')
          const late = await order.until('overdue', ({ needsAttention }) => needsAttention)
          await moveParcel(stage, late, 'dispatched', 'deliver')
          await order.end()
        },
      },
    },
  },
  ...OPERATORS,
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
