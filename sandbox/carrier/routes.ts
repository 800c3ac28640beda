import Type, { type Static } from 'typebox'
import { Address, Closed, SkuQuantity, WarehouseCode } from '#contracts/schemas.ts'
import type { HttpServer } from '#platform/http/server.ts'
import { sendKeyed, type Idempotency } from '../shared/idempotency.ts'
import type { Bookings } from './bookings.ts'

const text = (maxLength: number) => Type.String({ minLength: 1, maxLength })

const ById = Closed({ id: text(100) })
type ById = Static<typeof ById>

const ByReference = Closed({ reference: text(255) })
type ByReference = Static<typeof ByReference>

const BookBody = Closed({
  reference: text(255),
  warehouse: WarehouseCode,
  lines: Type.Array(SkuQuantity, { minItems: 1, maxItems: 1_000 }),
  address: Address,
})
type BookBody = Static<typeof BookBody>

const ByTrackingNumber = Closed({ trackingNumber: text(100) })
type ByTrackingNumber = Static<typeof ByTrackingNumber>

const NoBody = Type.Union([Type.Null(), Closed({})])

export function apiRoutes(
  scope: HttpServer,
  { bookings, idempotency }: { bookings: Bookings; idempotency: Idempotency },
): void {
  scope.post<{ Body: BookBody }>('/v1/bookings', { schema: { body: BookBody } }, async (request, reply) =>
    sendKeyed(
      reply,
      await idempotency.answer(request, { execute: async (running) => bookings.book(request.body, running) }),
    ),
  )
  scope.get<{ Querystring: ByReference }>(
    '/v1/bookings',
    { schema: { querystring: ByReference } },
    ({ query }) => ({ data: bookings.list(query.reference) }),
  )
  scope.get<{ Params: ById }>('/v1/bookings/:id', { schema: { params: ById } }, ({ params }) =>
    bookings.find(params.id),
  )
  // needs no key: a repeat finds the booking cancelled
  scope.post<{ Params: ById }>(
    '/v1/bookings/:id/cancel',
    { schema: { params: ById, body: NoBody } },
    ({ params }) => bookings.cancel(params.id),
  )
}

const HAND_MOVES = { dispatch: 'dispatched', deliver: 'delivered', lose: 'lost' } as const

/** Moves parcels by hand, for demos and tests: `POST /parcels/:trackingNumber/dispatch`, `/deliver`, `/lose`. */
export function handRoutes(scope: HttpServer, bookings: Bookings): void {
  for (const [move, status] of Object.entries(HAND_MOVES)) {
    scope.post<{ Params: ByTrackingNumber }>(
      `/parcels/:trackingNumber/${move}`,
      { schema: { params: ByTrackingNumber, body: NoBody } },
      ({ params }) => bookings.advance(params.trackingNumber, status),
    )
  }
}
