/** The adapter to the sandbox's carrier (sandbox/carrier). */
import Type from 'typebox'
import { Timestamp } from '#contracts/schemas.ts'
import { createBreaker } from '#platform/outbound/breaker.ts'
import { createJsonClient, type JsonAnswer, type JsonCall } from '#platform/outbound/json-client.ts'
import { parser } from '#platform/validation.ts'
import { CarrierError, type Carrier, type CarrierOptions } from '../carrier.ts'
import { verifySignature } from '#platform/webhook-signature.ts'

const Status = Type.Enum(['booked', 'dispatched', 'delivered', 'lost', 'cancelled'])

const Booking = Type.Object({
  id: Type.String(),
  reference: Type.String(),
  trackingNumber: Type.String(),
  status: Status,
  history: Type.Array(Type.Object({ status: Status, at: Timestamp })),
})

const parseBooking = parser("the carrier's booking", Booking)
const parseBookings = parser("the carrier's bookings", Type.Object({ data: Type.Array(Booking) }))
const parseWebhook = parser(
  "the carrier's webhook",
  Type.Object({
    id: Type.String({ minLength: 1, maxLength: 200 }),
    data: Type.Object({ bookingId: Type.String({ minLength: 1, maxLength: 200 }) }),
  }),
)

const CONFLICT = 409

export function createCarrier({ url, apiKey, webhookSecret, timeoutMs, logger }: CarrierOptions): Carrier {
  const breaker = createBreaker({ name: 'carrier', timeoutMs, logger })
  const client = createJsonClient({ baseUrl: url, breaker })

  const send = (call: JsonCall): Promise<JsonAnswer> =>
    client.call({ ...call, headers: { ...call.headers, authorization: `Bearer ${apiKey}` } })

  async function ask(call: JsonCall): Promise<unknown> {
    const answer = await send(call)
    if (answer.status >= 300) throw refusal(call, answer)
    return answer.body
  }

  return {
    name: 'sandbox',
    async book({ idempotencyKey, ...body }) {
      const headers = { 'idempotency-key': idempotencyKey }
      return parseBooking(await ask({ method: 'POST', path: '/v1/bookings', headers, body }))
    },
    async findByReference(reference) {
      const path = `/v1/bookings?reference=${encodeURIComponent(reference)}`
      const { data } = parseBookings(await ask({ method: 'GET', path }))
      return data.find(({ status }) => status !== 'cancelled') ?? data[0]
    },
    read: async (bookingId) => parseBooking(await ask({ method: 'GET', path: pathOf(bookingId) })),
    async cancel(bookingId) {
      const call: JsonCall = { method: 'POST', path: `${pathOf(bookingId)}/cancel`, body: {} }
      const answer = await send(call)
      if (answer.status === CONFLICT) return 'too_late'
      if (answer.status >= 300) throw refusal(call, answer)
      return 'cancelled'
    },
    verifyWebhook(raw, headers) {
      const header = headers['carrier-signature']
      return verifySignature(raw, typeof header === 'string' ? header : undefined, webhookSecret)
    },
    readNotice(body) {
      const { id, data } = parseWebhook(JSON.parse(body))
      return { eventId: id, bookingId: data.bookingId }
    },
  }
}

const pathOf = (bookingId: string): string => `/v1/bookings/${encodeURIComponent(bookingId)}`

/** Says the code only: the carrier's words may repeat the address. */
function refusal({ method, path }: JsonCall, { status, body }: JsonAnswer): CarrierError {
  const code = body !== null && typeof body === 'object' && 'code' in body ? ` ${String(body.code)}` : ''
  return new CarrierError(
    `the carrier answered ${method} ${path.split('?', 1)[0]} with ${status}${code}`,
    status,
  )
}
