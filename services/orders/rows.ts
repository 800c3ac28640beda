/** The rows of an order as SQL returns them. */
import type { Shipment } from '#contracts/http/shipping.ts'
import type { Return } from '#contracts/http/returns.ts'
import type { Address, SkuQuantity } from '#contracts/schemas.ts'
import type { OrderStatus, PaymentStatus } from '#contracts/states.ts'
import type { AttentionState, WaitingFor } from '#contracts/workflows.ts'

/** An order with everything that belongs to it, as `queryOrders` returns it. */
export interface OrderRow {
  id: string
  number: string
  customer_id: string
  status: OrderStatus
  reason_code: string | null
  reason_message: string | null
  currency: string
  subtotal: bigint
  tax: bigint
  shipping: bigint
  total: bigint
  shipping_address: Address
  attention: AttentionState | null
  /** Whether something about it is before the operators that no workflow waits for. */
  concerned: boolean
  /** A cancellation was asked for and will be carried out, as far as it is in time. */
  cancel_accepted: boolean
  waiting_for: WaitingFor | null
  version: number
  created_at: Date
  updated_at: Date
  lines: OrderLineRow[]
  payment: PaymentRow | null
  shipments: ShipmentRow[]
  returns: ReturnRow[]
  /** Those that are paid back. */
  lost_parcels: { goods: number; lines: readonly SkuQuantity[] }[]
}

export interface OrderLineRow {
  sku: string
  name: string
  quantity: number
  unit_price: number
  total: number
  tax: number
}

export interface PaymentRow {
  status: PaymentStatus
  authorized: number
  captured: number
  refunded: number
  brand: string | null
  last4: string | null
}

export interface ShipmentRow extends Omit<Shipment, 'trackingNumber' | 'orderId'> {
  tracking_number: string | null
  /** ISO 8601; null until it is delivered. */
  returnable_until: string | null
}

export interface ReturnRow extends Pick<Return, 'id' | 'status' | 'lines'> {
  order_id: string
  goods: number | null
  shipping: number | null
  /** What has really gone back, or will at the most; null until that is known. */
  refunded: number | null
  /** What of the order's money is here; null while nothing was heard of it. */
  left: number | null
}
