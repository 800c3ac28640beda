/** Whatever is asked of a shipment or told of its parcel, late, twice or out of order, and however the carrier fails. */
import { randomUUID } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ScanStatus } from '#contracts/http/shipping.ts'
import type { ShipmentStatus } from '#contracts/states.ts'
import { NoAnswerError, NotSentError } from '#platform/outbound/json-client.ts'
import { leadAlone, outcomeOf, type Life } from '#tests/support/life.ts'
import { parametersOf } from '#tests/support/property.ts'
import {
  newShipmentState,
  predictShipment,
  type Fate,
  type ShipmentCommand,
  type ShipmentState,
} from '#tests/support/shipment-model.ts'
import { newShipment, silentLogger, testShipping } from '#tests/support/shipping.ts'
import { SHIPMENT_DRAWING } from '#tests/support/state-drawings.ts'
import { createBookShipment } from './book-shipment.ts'
import { createCancelShipment } from './cancel-shipment.ts'
import { createFindShipments } from './find-shipments.ts'
import { createFollowBooking } from './follow-booking.ts'
import { pollBookings } from './poll-bookings.ts'
import { processWebhooks } from './process-webhooks.ts'
import { createReceiveWebhook } from './receive-webhook.ts'
import { createRecordParcel } from './record-parcel.ts'
import type { ReportParcel } from './report-parcel.ts'
import { createScanShipment } from './scan-shipment.ts'

const { database, transact, carrier, advance } = await testShipping()
const recordParcel = createRecordParcel({ transact })
/** A workflow that leaves it to the shipment's row. */
const reportParcel: ReportParcel = async (report) =>
  (await recordParcel(report)) === 'recorded'
    ? { outcome: 'recorded' }
    : { outcome: 'refused', detail: 'It cannot be there.' }
const followBooking = createFollowBooking({ reportParcel, logger: silentLogger })
const scanShipment = createScanShipment({ findShipments: createFindShipments(database), reportParcel })
const receiveWebhook = createReceiveWebhook({
  database,
  carrier: { ...carrier, verifyWebhook: () => true },
  onStored: () => {},
})

/** The carrier, whose next booking or cancellation has this fate. */
function carrierOf(fate: Fate) {
  const suffer = async <R>(call: () => Promise<R>): Promise<R> => {
    if (fate === 'not sent') throw new NotSentError('it is away')
    const answer = await call()
    if (fate === 'no answer') throw new NoAnswerError('the answer was lost')
    return answer
  }
  const book: typeof carrier.book = (request) => suffer(() => carrier.book(request))
  const cancel: typeof carrier.cancel = (bookingId) => suffer(() => carrier.cancel(bookingId))
  return { ...carrier, book, cancel }
}

/** The answer, or which fault it was. */
async function answerOf(answer: Promise<string>): Promise<string> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof NotSentError) return 'not sent'
    if (error instanceof NoAnswerError) return 'no answer'
    if (/^the booking of shipment \S+ is cancelled$/.test((error as Error).message))
      return 'the booking is cancelled'
    throw error
  }
}

const HOUR = 3_600_000
const fate = fc.constantFrom('answered', 'answered', 'no answer', 'not sent') as fc.Arbitrary<Fate>
const status = fc.constantFrom('dispatched' as const, ...ScanStatus.enum)
const command: fc.Arbitrary<ShipmentCommand> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('book' as const), fate }) },
  fc.record({ do: fc.constant('cancel' as const), fate }),
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('report' as const),
      status,
      source: fc.constantFrom('courier' as const, 'carrier' as const),
      hoursAgo: fc.nat({ max: 100 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('scan' as const),
      status,
      daysAgo: fc.constantFrom(0, 0, 0, 29, 31, -1),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('move' as const), status }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('hear' as const), times: fc.integer({ min: 1, max: 3 }) }),
  },
  fc.record({ do: fc.constant('poll' as const) }),
)
/** Most stories begin with a booking. */
const commands = fc
  .tuple(fc.constantFrom(true, true, false), fate, fc.array(command, { minLength: 5, maxLength: 25 }))
  .map(([booked, first, rest]): ShipmentCommand[] => (booked ? [{ do: 'book', fate: first }, ...rest] : rest))
/** The faults are over, the parcel is on its way, and whatever can still be said is said. */
const HEALED: ShipmentCommand[] = [
  { do: 'book', fate: 'answered' },
  { do: 'move', status: 'dispatched' },
  { do: 'move', status: 'delivered' },
  { do: 'hear', times: 1 },
  { do: 'cancel', fate: 'answered' },
  { do: 'scan', status: 'delivered', daysAgo: 0 },
  { do: 'poll' },
]

interface Stored {
  row:
    | {
        id: string
        status: ShipmentStatus
        version: number
        booking_id: string | null
        unsettled: boolean
        astray_since: string | null
      }
    | undefined
  history: { status: ShipmentStatus; position: number }[]
  events: { version: number; type: string }[]
}

async function openShipment(): Promise<Life<ShipmentState, ShipmentCommand, ShipmentCommand, Stored>> {
  const shipment = newShipment()
  const { shipmentId } = shipment
  // shipments of other runs have been asked about
  await database.$executeRaw`UPDATE shipments SET polled_at = now() + interval '1 day'`
  const following = { database, carrier, followBooking, logger: silentLogger }

  async function tell(times: number): Promise<void> {
    const booking = await carrier.findByReference(shipmentId)
    if (booking === undefined) return
    const data = { bookingId: booking.id }
    for (let time = 0; time < times; time++) {
      // the last one comes twice
      const raw = Buffer.from(JSON.stringify({ id: `evt_${shipmentId}_${randomUUID()}`, data }))
      for (let copy = 0; copy < (time === times - 1 ? 2 : 1); copy++)
        await receiveWebhook({ carrier: carrier.name, raw, headers: {} })
    }
    await processWebhooks(following)
    // what has to wait for the booking is told anew another time
    await database.$executeRaw`DELETE FROM carrier_webhooks WHERE processed_at IS NULL`
  }

  type Do = ShipmentCommand['do']
  const DEEDS: { [D in Do]: (asked: ShipmentCommand & { do: D }) => Promise<string> } = {
    book: async ({ fate: becomes }) => {
      const bookShipment = createBookShipment({
        transact,
        carrier: carrierOf(becomes),
        onUnsettled: () => {},
      })
      const booked = await bookShipment(shipment)
      return booked.outcome === 'booked' ? `booked ${booked.status}` : booked.outcome
    },
    cancel: ({ fate: becomes }) => createCancelShipment({ transact, carrier: carrierOf(becomes) })(shipment),
    report: ({ status: seen, source, hoursAgo }) =>
      recordParcel({
        shipmentId,
        status: seen,
        source,
        at: new Date(Date.now() - hoursAgo * HOUR).toISOString(),
      }),
    scan: ({ status: seen, daysAgo }) => {
      const at = new Date(Date.now() - daysAgo * 24 * HOUR).toISOString()
      return outcomeOf(scanShipment({ shipmentId, status: seen, at }))
    },
    move: async ({ status: to }) => {
      const booking = await carrier.findByReference(shipmentId)
      if (booking === undefined) return 'no'
      return outcomeOf(advance(booking.id, to)).catch((error: unknown) => {
        if (String(error).includes('booking_transition_refused')) return 'no'
        throw error
      })
    },
    hear: ({ times }) => outcomeOf(tell(times)),
    poll: async () => {
      await database.$executeRaw`UPDATE shipments SET polled_at = NULL WHERE id = ${shipmentId}::uuid`
      return outcomeOf(pollBookings({ ...following, everySeconds: 0 }))
    },
  }

  return {
    choose: (asked) => asked,
    predict: predictShipment,
    execute(asked) {
      const deed: (asked: never) => Promise<string> = DEEDS[asked.do]
      return answerOf(deed(asked as never))
    },
    async read() {
      const [stored] = await database.$queryRaw<Stored[]>`
        SELECT (SELECT to_jsonb(shipments) - 'polled_at' FROM shipments WHERE id = ${shipmentId}::uuid) AS row,
          (SELECT coalesce(json_agg(h ORDER BY position), '[]') FROM shipment_history AS h
            WHERE shipment_id = ${shipmentId}::uuid) AS history,
          (SELECT coalesce(json_agg(o ORDER BY id), '[]') FROM outbox AS o
            WHERE aggregate_id = ${shipmentId}) AS events`
      return stored!
    },
    show: ({ row, history, events }) => ({
      status: row?.status ?? null,
      version: row?.version ?? 0,
      booked: (row?.booking_id ?? null) !== null,
      unsettled: row?.unsettled ?? false,
      astray: (row?.astray_since ?? null) !== null,
      history: history.map((move) => move.status),
      events: events.map(({ version, type }) => [version, type]),
    }),
  }
}

/** What must hold of what is stored, whatever has happened. */
function expectSound({ row, history, events }: Stored): void {
  const statuses = history.map((move) => move.status)
  const versions = statuses.map((_, index) => index + 1)
  expect(SHIPMENT_DRAWING.leads(statuses), statuses.join(' → ')).toBe(true)
  expect(history.map(({ position }) => position)).toEqual(versions)
  expect(events.map(({ version }) => version)).toEqual(versions)
  expect(events.map(({ type }) => type.replace('shipment.', '').replace('created', 'pending'))).toEqual(
    statuses,
  )
  // a tombstone has neither history nor events
  if (row !== undefined && row !== null)
    expect([row.status, row.version]).toEqual([statuses.at(-1) ?? 'cancelled', versions.length])
}

const hasEnded = ({ row }: Stored) =>
  row?.status !== undefined && SHIPMENT_DRAWING.after(row.status).length === 0

describe('a shipment', () => {
  it('does what its rules say, once, and nothing at all where they refuse or know it already', async () => {
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(commands, async (asked) => {
        const life = await openShipment()
        const wishes = [...asked, ...HEALED]
        await leadAlone(life, { state: newShipmentState(), wishes, seen })
        const stored = await life.read()
        expectSound(stored)
        expect(hasEnded(stored)).toBe(true)
      }),
      parametersOf(25),
    )
    // the stories have all of it
    const all = ['recorded, changed', 'recorded, unchanged', 'refused, unchanged', 'no answer, changed']
    expect([...seen]).toEqual(expect.arrayContaining([...all, 'cancelled, changed', 'too_late, unchanged']))
  }, 120_000)

  it('stays sound when everything comes at once, and what has ended stays as it is', async () => {
    const rounds = fc.array(fc.array(command, { minLength: 2, maxLength: 6 }), { minLength: 2, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(rounds, async (all) => {
        const life = await openShipment()
        let before = await life.read()
        for (const asked of [...all, ...HEALED.map((one) => [one])]) {
          const answers = await Promise.allSettled(asked.map((one) => life.execute(one)))
          const faults = answers.flatMap((answer) =>
            answer.status === 'rejected' ? [String(answer.reason)] : [],
          )
          expect(faults.filter((fault) => !/has moved while it was being cancelled/.test(fault))).toEqual([])
          const after = await life.read()
          expectSound(after)
          if (hasEnded(before)) expect([after.history, after.events]).toEqual([before.history, before.events])
          before = after
        }
        expect(hasEnded(before)).toBe(true)
        // what is cancelled here is cancelled there too, or somebody is told
        const parcel = await carrier.findByReference(before.row?.id ?? '')
        if (before.row?.status === 'cancelled' && before.row.astray_since === null)
          expect([undefined, 'cancelled']).toContain(parcel?.status)
      }),
      parametersOf(15),
    )
  }, 120_000)
})
