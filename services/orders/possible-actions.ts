/** What a customer can do with an order now, as far as its rows tell; the workflow has the last word. */
import type { Order } from '#contracts/http/orders.ts'
import type { OrderStatus } from '#contracts/states.ts'
import { canReturn } from './returns/can-return.ts'
import type { OrderRow, ShipmentRow } from './rows.ts'

const BEFORE_FULFILMENT: readonly OrderStatus[] = [
  'placed',
  'reserving',
  'awaiting_customer',
  'authorizing',
  'confirmed',
  'amending',
]

const hasLeft = ({ status }: Pick<ShipmentRow, 'status'>): boolean =>
  status === 'dispatched' || status === 'delivered' || status === 'lost'

export function possibleActions(row: OrderRow, now: Date): Order['actions'] {
  const early = BEFORE_FULFILMENT.includes(row.status)
  const open = !row.cancel_accepted // what is being cancelled takes nothing else
  const possible: Record<Order['actions'][number], boolean> = {
    cancel: open && (early || (row.status === 'fulfilling' && !everythingHasLeft(row.shipments))),
    // the workflow takes no change while it waits: its validator says the same
    amend: open && early && row.waiting_for === null && row.attention === null,
    decide: open && row.waiting_for?.what === 'shortage_decision',
    change_payment_method: open && row.waiting_for?.what === 'payment_method',
    return: canReturn(row, now),
  }
  return ACTIONS.filter((action) => possible[action])
}

const ACTIONS: readonly Order['actions'][number][] = [
  'cancel',
  'amend',
  'decide',
  'change_payment_method',
  'return',
]

/** Parcels that the shipping service has not announced yet have not left. */
function everythingHasLeft(shipments: readonly ShipmentRow[]): boolean {
  const alive = shipments.filter(({ status }) => status !== 'cancelled')
  return alive.length > 0 && alive.every(hasLeft)
}
