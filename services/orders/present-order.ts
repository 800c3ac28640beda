/** An order's rows as the API shows them: totals, summaries and what the customer can do now. */
import type { Order, OrderLine } from '#contracts/http/orders.ts'
import type { Shipment } from '#contracts/http/shipping.ts'
import type { OrderRow, ShipmentRow } from './rows.ts'
import { possibleActions } from './possible-actions.ts'
import { presentReturn } from './returns/present-return.ts'
import { countUnits, handOut } from './units.ts'

export function presentOrder(row: OrderRow, now = new Date()): Order {
  return {
    id: row.id,
    number: row.number,
    customerId: row.customer_id,
    status: row.status,
    statusReason:
      row.reason_code === null ? null : { code: row.reason_code, message: row.reason_message ?? '' },
    needsAttention: row.attention !== null || row.concerned,
    currency: row.currency,
    subtotal: Number(row.subtotal),
    tax: Number(row.tax),
    shipping: Number(row.shipping),
    total: Number(row.total),
    lines: presentLines(row),
    shippingAddress: row.shipping_address,
    payment: presentPayment(row),
    fulfilment: { status: fulfilmentStatus(row.shipments) },
    shipments: row.shipments.map((shipment) => presentShipment(shipment, row.id)),
    returns: row.returns.map(presentReturn),
    waitingFor: row.attention === null ? row.waiting_for : { what: 'operator', until: null },
    actions: possibleActions(row, now),
    version: row.version,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }
}

function presentPayment({ payment, status: orderStatus }: OrderRow): Order['payment'] {
  const ended = orderStatus === 'rejected' || orderStatus === 'cancelled'
  if (payment === null) {
    return {
      status: ended ? 'voided' : 'created',
      authorized: 0,
      captured: 0,
      refunded: 0,
      method: { brand: null, last4: null },
    }
  }
  const { status, authorized, captured, refunded, brand, last4 } = payment
  return { status, authorized, captured, refunded, method: { brand, last4 } }
}

/** Units that are under way, arrived or came back are counted against the lines of their SKU in order. */
function presentLines({ lines, shipments, returns }: OrderRow): OrderLine[] {
  const left = shipments.filter(isFulfilled).flatMap((shipment) => shipment.lines)
  const back = returns.filter(({ status }) => status === 'received' || status === 'refunded')
  const fulfilled = handOut(lines, countUnits(left))
  const returned = handOut(lines, countUnits(back.flatMap((entry) => entry.lines)))
  return lines.map(({ sku, name, quantity, unit_price: unitPrice, total, tax }, index) => ({
    sku,
    name,
    quantity,
    unitPrice,
    total,
    tax,
    fulfilled: fulfilled[index] ?? 0,
    returned: returned[index] ?? 0,
  }))
}

const isFulfilled = ({ status }: Pick<ShipmentRow, 'status'>): boolean =>
  status === 'dispatched' || status === 'delivered'

function fulfilmentStatus(shipments: readonly ShipmentRow[]): Order['fulfilment']['status'] {
  // what was lost is as good as never sent: it is sent once more, or paid back
  const alive = shipments.filter(({ status }) => status !== 'cancelled' && status !== 'lost')
  if (alive.length === 0) return 'none'
  if (alive.every(({ status }) => status === 'delivered')) return 'delivered'
  if (alive.every(isFulfilled)) return 'dispatched'
  return alive.some(isFulfilled) ? 'partially_dispatched' : 'in_progress'
}

function presentShipment(row: ShipmentRow, orderId: string): Shipment {
  const { id, warehouse, status, lines, carrier, tracking_number: trackingNumber, history } = row
  return { id, orderId, warehouse, status, lines, carrier, trackingNumber, history }
}
