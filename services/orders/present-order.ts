/** An order's rows as the API shows them: totals, summaries and what the customer can do now. */
import type { Order, OrderLine } from '#contracts/http/orders.ts'
import type { Shipment } from '#contracts/http/shipping.ts'
import type { OrderStatus } from '#contracts/states.ts'
import type { OrderLineRow, OrderRow, ShipmentRow } from './rows.ts'

const CANCELLABLE: readonly OrderStatus[] = ['placed', 'reserving', 'awaiting_customer', 'authorizing']

export function presentOrder(row: OrderRow): Order {
  return {
    id: row.id,
    number: row.number,
    customerId: row.customer_id,
    status: row.status,
    statusReason:
      row.reason_code === null ? null : { code: row.reason_code, message: row.reason_message ?? '' },
    needsAttention: row.attention !== null,
    currency: row.currency,
    subtotal: Number(row.subtotal),
    tax: Number(row.tax),
    shipping: Number(row.shipping),
    total: Number(row.total),
    lines: presentLines(row.lines, row.shipments),
    shippingAddress: row.shipping_address,
    payment: presentPayment(row.payment),
    fulfilment: { status: fulfilmentStatus(row.shipments) },
    shipments: row.shipments.map((shipment) => presentShipment(shipment, row.id)),
    returns: [],
    waitingFor: row.attention === null ? null : { what: 'operator', until: null },
    actions: CANCELLABLE.includes(row.status) ? ['cancel'] : [],
    version: row.version,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  }
}

function presentPayment(payment: OrderRow['payment']): Order['payment'] {
  if (payment === null) {
    return {
      status: 'created',
      authorized: 0,
      captured: 0,
      refunded: 0,
      method: { brand: null, last4: null },
    }
  }
  const { status, authorized, captured, refunded, brand, last4 } = payment
  return { status, authorized, captured, refunded, method: { brand, last4 } }
}

const hasLeft = ({ status }: ShipmentRow): boolean =>
  status === 'dispatched' || status === 'delivered' || status === 'lost'

/** Units that have left are counted against the lines of their SKU in order. */
function presentLines(lines: readonly OrderLineRow[], shipments: readonly ShipmentRow[]): OrderLine[] {
  const left = new Map<string, number>()
  for (const { sku, quantity } of shipments.filter(hasLeft).flatMap((shipment) => shipment.lines)) {
    left.set(sku, (left.get(sku) ?? 0) + quantity)
  }
  return lines.map(({ sku, name, quantity, unit_price: unitPrice, total, tax }) => {
    const fulfilled = Math.min(quantity, left.get(sku) ?? 0)
    left.set(sku, (left.get(sku) ?? 0) - fulfilled)
    return { sku, name, quantity, unitPrice, total, tax, fulfilled, returned: 0 }
  })
}

function fulfilmentStatus(shipments: readonly ShipmentRow[]): Order['fulfilment']['status'] {
  const alive = shipments.filter(({ status }) => status !== 'cancelled')
  if (alive.length === 0) return 'none'
  if (alive.every(({ status }) => status === 'delivered')) return 'delivered'
  if (alive.every(hasLeft)) return 'dispatched'
  return alive.some(hasLeft) ? 'partially_dispatched' : 'in_progress'
}

function presentShipment(row: ShipmentRow, orderId: string): Shipment {
  const { id, warehouse, status, lines, carrier, tracking_number: trackingNumber, history } = row
  return { id, orderId, warehouse, status, lines, carrier, trackingNumber, history }
}
