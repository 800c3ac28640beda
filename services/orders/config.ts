/** The configuration of the orders service. */
import Type, { type Static } from 'typebox'
import { databaseConfig } from '#platform/config.ts'
import { EXTENSION_NAME } from '#platform/extension.ts'
import { serviceConfig } from '#platform/service.ts'

const DAY = 86_400

const seconds = (minimum: number, fallback: number, description: string) =>
  Type.Integer({ minimum, maximum: 365 * DAY, default: fallback, description: `${description}, in seconds` })

export const ordersConfig = Type.Object({
  ...serviceConfig,
  ...databaseConfig,
  SAGA_STEP_ATTEMPTS: Type.Integer({
    minimum: 1,
    default: 8,
    description: 'attempts of a saga step before the order is undone',
  }),
  SAGA_COMPENSATION_ATTEMPTS: Type.Integer({
    minimum: 1,
    default: 15,
    description: 'attempts to undo, capture or book before an operator is asked',
  }),
  SAGA_MAXIMUM_INTERVAL_SECONDS: Type.Integer({
    minimum: 1,
    default: 30,
    description: 'longest pause between attempts, in seconds',
  }),
  SAGA_CONTINUE_AFTER_EVENTS: Type.Optional(
    Type.Integer({
      minimum: 10,
      description:
        'history events after which an order that waits continues as a new run; left out: as Temporal suggests',
    }),
  ),
  SHORTAGE_DECISION_SECONDS: seconds(1, 86_400, 'how long a customer may take to answer a shortage'),
  PAYMENT_ACTION_SECONDS: seconds(
    1,
    3_600,
    'how long a customer may take to approve a payment or to change the card',
  ),
  PAYMENT_TRIES: Type.Integer({
    minimum: 1,
    maximum: 10,
    default: 3,
    description: 'payment methods that a customer may try in all',
  }),
  BACKORDER_SECONDS: seconds(1, 30 * DAY, 'how long an order waits for stock'),
  AMENDMENT_SECONDS: seconds(0, 0, 'how long a confirmed order waits for changes of mind'),
  DISPATCH_SECONDS: seconds(1, 2 * DAY, 'when parcels have left at the latest, after the confirmation'),
  DELIVERY_SECONDS: seconds(1, 7 * DAY, 'when a parcel has arrived at the latest, after it has left'),
  LOST_PARCEL: Type.Enum(['refund', 'reship'], {
    default: 'refund',
    description: 'what a customer gets for a lost parcel',
  }),
  TAX_POLICY: Type.String({
    default: 'country-table',
    pattern: EXTENSION_NAME,
    description: 'tax rates: a file of services/orders/pricing/tax/policies',
  }),
  SHIPPING_RATES: Type.String({
    default: 'by-weight',
    pattern: EXTENSION_NAME,
    description: 'shipping costs: a file of services/orders/pricing/shipping/rates',
  }),
  RETURN_DAYS: Type.Integer({
    minimum: 0,
    maximum: 3_650,
    default: 30,
    description: 'how many days after the delivery goods may be returned',
  }),
  RETURN_ARRIVAL_DAYS: Type.Integer({
    minimum: 1,
    maximum: 365,
    default: 30,
    description: 'how many days the goods of an approved return may take to arrive',
  }),
  REFUND_ON: Type.Enum(['receipt', 'approval'], {
    default: 'receipt',
    description: 'when the money of a return goes back',
  }),
  RECONCILE_MINUTES: Type.Integer({
    minimum: 1,
    maximum: 1_440,
    default: 5,
    description: 'how often everybody’s books are compared',
  }),
})

export type OrdersConfig = Static<typeof ordersConfig>
