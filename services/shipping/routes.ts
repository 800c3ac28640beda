/** The shipping service's HTTP door. */
import { carrierWebhook, listShipments, readShipment, scanShipment } from '#contracts/http/shipping.ts'
import type { Sql } from '#platform/database.ts'
import { addRoute } from '#platform/http/contract.ts'
import { addWebhookRoute } from '#platform/http/webhook-route.ts'
import { oncePerKey, replayHeaders } from '#platform/http/once-per-key.ts'
import type { HttpServer } from '#platform/http/server.ts'
import type { Caller, CallerVerifier } from '#platform/service-token.ts'
import type { FindShipments } from './find-shipments.ts'
import type { ReceiveWebhook } from './receive-webhook.ts'
import type { ScanShipment } from './scan-shipment.ts'

export interface ShippingUseCases {
  database: Sql
  findShipments: FindShipments
  scanShipment: ScanShipment
  receiveWebhook: ReceiveWebhook
}

const DEFAULT_LIMIT = 20

export function addShippingRoutes(
  app: HttpServer,
  verifyCaller: CallerVerifier,
  useCases: ShippingUseCases,
): void {
  addRoute(app, verifyCaller, readShipment, async ({ params, caller }) => ({
    status: 200,
    body: await useCases.findShipments.read(params.id, handlesParcels(caller) ? null : caller.subject),
  }))

  addRoute(app, verifyCaller, listShipments, async ({ query }) => {
    const { limit = DEFAULT_LIMIT, ...search } = query
    return { status: 200, body: await useCases.findShipments.list({ limit, ...search }) }
  })

  addRoute(app, verifyCaller, scanShipment, async (call) => {
    const { params, body: seen } = call
    const { database } = useCases
    const { replayed, body } = await oncePerKey(database, scanShipment, call, async (finish) => {
      const answer = { status: 200, body: await useCases.scanShipment({ shipmentId: params.id, ...seen }) }
      // should the process end here, the repeat reports the same scan, which moves nothing twice
      await finish(database, answer)
      return answer
    })
    return { status: 200, body, headers: replayHeaders(replayed) }
  })

  addWebhookRoute(app, verifyCaller, carrierWebhook, async ({ params, request: { headers } }, raw) => {
    await useCases.receiveWebhook({ carrier: params.provider, raw, headers })
  })
}

/** Who handles parcels sees all of them; a customer sees their own. */
const handlesParcels = ({ roles }: Caller): boolean => roles.some((role) => role !== 'customer')
