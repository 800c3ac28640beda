/** Parcels: the shipping service's public routes. */
import Type, { type Static } from 'typebox'
import { SHIPMENT, statesOf } from '../states.ts'
import { Closed, Id, Page, PageQuery, SkuQuantity, Timestamp, WarehouseCode } from '../schemas.ts'
import { route } from './route.ts'
import { webhookSchema } from './webhook.ts'

const ShipmentStatus = Type.Enum(statesOf(SHIPMENT))

export const Shipment = Type.Object({
  id: Id,
  orderId: Id,
  warehouse: WarehouseCode,
  status: ShipmentStatus,
  lines: Type.Array(SkuQuantity),
  carrier: Type.Union([Type.String(), Type.Null()]),
  trackingNumber: Type.Union([Type.String(), Type.Null()]),
  replaces: Type.Optional(
    Type.String({
      format: 'uuid',
      description: 'the lost parcel whose place this one takes; said under /api/v1/shipments only',
    }),
  ),
  history: Type.Array(Type.Object({ status: ShipmentStatus, at: Timestamp })),
})
export type Shipment = Static<typeof Shipment>

export const readShipment = route({
  method: 'GET',
  url: '/api/v1/shipments/:id',
  summary: 'One parcel',
  tag: 'shipments',
  access: ['customer', 'operator', 'courier', 'admin'],
  scope: 'orders:read',
  schema: { params: Closed({ id: Id }), response: { 200: Shipment } },
})

export const listShipments = route({
  method: 'GET',
  url: '/api/v1/shipments',
  summary: 'Parcels by status, for couriers',
  tag: 'shipments',
  access: ['courier', 'operator', 'admin'],
  schema: {
    querystring: Closed({ ...PageQuery, status: Type.Optional(ShipmentStatus) }),
    response: { 200: Page(Shipment) },
  },
})

export const ScanStatus = Type.Enum(['dispatched', 'delivered', 'lost'])
export type ScanStatus = Static<typeof ScanStatus>

export const scanShipment = route({
  method: 'POST',
  url: '/api/v1/shipments/:id/scans',
  summary: "A courier's scan moves the parcel",
  tag: 'shipments',
  access: ['courier', 'admin'],
  idempotency: 'optional',
  schema: {
    params: Closed({ id: Id }),
    body: Closed({
      status: ScanStatus,
      at: Type.Optional(
        Type.Unsafe<string>({
          ...Timestamp,
          description:
            'when it was scanned, ISO 8601, UTC; now without it. Within the last 30 days and not before the last move in the history of the parcel, unless it is a repeat',
        }),
      ),
    }),
    response: { 200: Shipment },
  },
})

/** The carrier's webhook: the raw body is verified against the signature before it is looked at. */
export const carrierWebhook = route({
  method: 'POST',
  url: '/api/v1/webhooks/carriers/:provider',
  summary: "The carrier's signed events",
  tag: 'webhooks',
  access: 'anyone',
  idempotency: 'unused',
  schema: webhookSchema,
})
