/** The HTTP door of the payments service; who calls is said by the test. */
import { createHttpServer, type HttpServer } from '#platform/http/server.ts'
import { createLogger } from '#platform/logger.ts'
import type { Caller } from '#platform/service-token.ts'
import { createListPayments } from '../list-payments.ts'
import { createRequestRefund } from '../refunds/request-refund.ts'
import { registerRoutes, type PaymentsRoutes } from '../routes.ts'
import type { Store } from '../store.ts'
import type { Payments } from './payments.ts'

export interface Door {
  database: Store
  payments: Payments
  caller: Caller
  receiveWebhook?: PaymentsRoutes['receiveWebhook']
}

export function openDoor({ database, payments, caller, receiveWebhook = async () => {} }: Door): HttpServer {
  const app = createHttpServer({
    logger: createLogger({ service: 'payments', level: 'silent' }),
    probes: {},
  })
  registerRoutes(app, async () => caller, {
    listPayments: createListPayments({ database }),
    requestRefund: createRequestRefund({ ...payments.dependencies, database }),
    receiveWebhook,
  })
  return app
}
