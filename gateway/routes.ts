/**
 * The route table: every path of the platform that strangers reach, the service behind it, and its limit. Who may call
 * and with what stands in the contract. A contract that is not listed here is not public.
 */
import type { ErrorCode } from '#contracts/errors.ts'
import type { RouteContract } from '#contracts/http/route.ts'
import * as inventory from '#contracts/http/inventory.ts'
import * as notifications from '#contracts/http/notifications.ts'
import * as operations from '#contracts/http/operations.ts'
import * as orders from '#contracts/http/orders.ts'
import * as payments from '#contracts/http/payments.ts'
import * as returns from '#contracts/http/returns.ts'
import * as shipping from '#contracts/http/shipping.ts'
import * as users from '#contracts/http/users.ts'
import type { ServiceName } from '#contracts/services.ts'
import type { LimitName } from './limits.ts'

/** Webhooks are small; a megabyte is for people. */
export const BODY_LIMIT_BYTES = 1_048_576
export const WEBHOOK_BODY_LIMIT_BYTES = 262_144

export interface RouteRow {
  readonly contract: RouteContract
  readonly service: ServiceName
  readonly limit: LimitName
  readonly bodyLimit: number
  /** Set where the call is about an object of another service, which this one knows late or never. */
  readonly about?: About
}

export interface About {
  readonly service: ServiceName
  /** How the object is read there, by the same parameters: an If-Match is compared with the ETag that it has. */
  readonly read: RouteContract
  /** What a 404 becomes when the object is there, and only the call's own service does not know it. */
  readonly unknownHere: { readonly code: ErrorCode; readonly detail: string } | { readonly answer: object }
}

const row = (
  contract: RouteContract,
  service: ServiceName,
  limit: LimitName,
  bodyLimit = BODY_LIMIT_BYTES,
): RouteRow => ({ contract, service, limit, bodyLimit })

export const ROUTES: readonly RouteRow[] = [
  row(users.registerUser, 'users', 'users'),
  row(users.readMe, 'users', 'users'),
  row(users.updateMe, 'users', 'users'),
  row(users.eraseMe, 'users', 'users'),
  row(users.listUsers, 'users', 'users'),
  row(users.readUser, 'users', 'users'),
  row(users.setRoles, 'users', 'users'),
  row(users.login, 'users', 'auth'),
  row(users.refresh, 'users', 'auth'),
  row(users.logout, 'users', 'auth'),
  row(users.acceptInvitation, 'users', 'auth'),
  row(users.createApiKey, 'users', 'apiKeys'),
  row(users.listApiKeys, 'users', 'apiKeys'),
  row(users.revokeApiKey, 'users', 'apiKeys'),
  row(users.jwks, 'users', 'public'),

  row(inventory.listProducts, 'inventory', 'public'),
  row(inventory.readProduct, 'inventory', 'public'),
  row(inventory.putProduct, 'inventory', 'operations'),
  row(inventory.removeProduct, 'inventory', 'operations'),
  row(inventory.listWarehouses, 'inventory', 'operations'),
  row(inventory.readStock, 'inventory', 'operations'),
  row(inventory.adjustStock, 'inventory', 'operations'),

  row(orders.quoteOrder, 'orders', 'public'),
  row(orders.placeOrder, 'orders', 'orders'),
  row(orders.listOrders, 'orders', 'orders'),
  row(orders.readOrder, 'orders', 'orders'),
  row(orders.readTimeline, 'orders', 'orders'),
  row(orders.streamTimeline, 'orders', 'orders'),
  row(orders.cancelOrder, 'orders', 'orders'),
  row(orders.decideOrder, 'orders', 'orders'),
  row(orders.changePaymentMethod, 'orders', 'orders'),
  row(orders.amendOrder, 'orders', 'orders'),
  row(returns.requestReturn, 'orders', 'orders'),
  row(returns.listReturns, 'orders', 'orders'),
  row(returns.readReturn, 'orders', 'orders'),
  row(returns.approveReturn, 'orders', 'operations'),
  row(returns.rejectReturn, 'orders', 'operations'),
  row(returns.receiveReturn, 'orders', 'operations'),
  row(returns.cancelReturn, 'orders', 'orders'),
  row(operations.operateOrder, 'orders', 'orders'),
  row(operations.listAttention, 'orders', 'operations'),
  row(operations.listDeadLetters, 'orders', 'operations'),
  row(operations.redriveDeadLetter, 'orders', 'operations'),

  {
    ...row(payments.listPayments, 'payments', 'orders'),
    about: {
      service: 'orders',
      read: orders.readOrder,
      unknownHere: { answer: { data: [], nextCursor: null } },
    },
  },
  {
    ...row(payments.createRefund, 'payments', 'orders'),
    about: {
      service: 'orders',
      read: orders.readOrder,
      unknownHere: { code: 'payment_not_captured', detail: 'Nothing was captured for this order.' },
    },
  },
  row(payments.paymentWebhook, 'payments', 'webhooks', WEBHOOK_BODY_LIMIT_BYTES),

  row(shipping.listShipments, 'shipping', 'shipments'),
  row(shipping.readShipment, 'shipping', 'shipments'),
  row(shipping.scanShipment, 'shipping', 'shipments'),
  row(shipping.carrierWebhook, 'shipping', 'webhooks', WEBHOOK_BODY_LIMIT_BYTES),

  row(notifications.createWebhookEndpoint, 'notifications', 'operations'),
  row(notifications.listWebhookEndpoints, 'notifications', 'operations'),
  row(notifications.removeWebhookEndpoint, 'notifications', 'operations'),
  row(notifications.listWebhookAttempts, 'notifications', 'operations'),
]
