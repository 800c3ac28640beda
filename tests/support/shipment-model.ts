/** A shipment and its parcel at the carrier as their rules say they should be, whatever becomes of the carrier's answers. */
import type { ScanStatus } from '#contracts/http/shipping.ts'
import type { ShipmentStatus } from '#contracts/states.ts'
import { SHIPMENT_DRAWING } from './state-drawings.ts'

/** What becomes of a call to the carrier. */
export type Fate = 'answered' | 'no answer' | 'not sent'

export type ShipmentCommand =
  | { do: 'book' | 'cancel'; fate: Fate }
  | { do: 'report'; status: ScanStatus; source: 'courier' | 'carrier'; hoursAgo: number }
  | { do: 'scan'; status: ScanStatus; daysAgo: number }
  /** The parcel moves; nobody says so yet. */
  | { do: 'move'; status: ScanStatus }
  /** The carrier says that something has happened, so many times. */
  | { do: 'hear'; times: number }
  | { do: 'poll' }

export interface ShipmentState {
  shown: {
    /** Null: there is none. */
    status: ShipmentStatus | null
    version: number
    booked: boolean
    unsettled: boolean
    astray: boolean
    history: ShipmentStatus[]
    /** `[version, type]` */
    events: [number, string][]
  }
  /** Where the parcel is; null: the carrier knows of none. */
  parcel: ShipmentStatus[] | null
}

export const newShipmentState = (): ShipmentState => ({
  shown: {
    status: null,
    version: 0,
    booked: false,
    unsettled: false,
    astray: false,
    history: [],
    events: [],
  },
  parcel: null,
})

const LATEST_SCAN_DAYS = 30
const DONE = 'done'
const TOO_LATE = 'too_late'

/** A move of the shipment: one version, one event, one line of its history. */
function enter({ shown }: ShipmentState, status: ShipmentStatus): void {
  shown.status = status
  shown.version += 1
  shown.history.push(status)
  shown.events.push([shown.version, `shipment.${status === 'pending' ? 'created' : status}`])
}

function record(state: ShipmentState, status: ScanStatus): 'recorded' | 'refused' {
  const { shown } = state
  if (shown.status !== null && SHIPMENT_DRAWING.may(shown.status, status)) {
    enter(state, status)
    return 'recorded'
  }
  return shown.history.includes(status) ? 'recorded' : 'refused'
}

/** Everything that the carrier knows of the parcel, until it cannot be. */
function follow(state: ShipmentState): void {
  for (const status of state.parcel ?? []) {
    const told = status === 'dispatched' || status === 'delivered' || status === 'lost'
    if (told && !state.shown.history.includes(status) && record(state, status) === 'refused') return
  }
}

type Do = ShipmentCommand['do']

const PREDICTIONS: { [D in Do]: (state: ShipmentState, command: ShipmentCommand & { do: D }) => string } = {
  book(state, { fate }) {
    const { shown } = state
    if (shown.status === null) enter(state, 'pending')
    if (shown.status === 'cancelled') return 'cancelled'
    if (shown.status !== 'pending') return `booked ${shown.status}`
    if (state.parcel === null) {
      if (fate !== 'not sent') state.parcel = ['booked']
      if (fate !== 'answered') return fate
    }
    if (state.parcel?.at(-1) === 'cancelled') return 'the booking is cancelled'
    enter(state, 'booked')
    shown.booked = true
    return 'booked booked'
  },
  cancel(state, { fate }) {
    const { shown } = state
    if (shown.status === null) shown.status = 'cancelled'
    if (shown.status === 'cancelled') return 'cancelled'
    if (!SHIPMENT_DRAWING.may(shown.status, 'cancelled')) return TOO_LATE
    const known = state.parcel !== null
    if (state.parcel !== null) {
      const stays = state.parcel.at(-1) === 'booked'
      if (stays && fate !== 'not sent') state.parcel.push('cancelled')
      if (fate !== 'answered') return fate
      if (state.parcel.at(-1) !== 'cancelled') return TOO_LATE
    }
    enter(state, 'cancelled')
    shown.booked = known
    shown.unsettled = !known
    return 'cancelled'
  },
  report: (state, { status }) => record(state, status),
  scan(state, { status, daysAgo }) {
    if (daysAgo < 0 || daysAgo > LATEST_SCAN_DAYS) return 'validation_failed'
    if (state.shown.version === 0) return 'not_found'
    // every move of a story is of the last few days
    if (daysAgo > 0 && !state.shown.history.includes(status)) return 'validation_failed'
    return record(state, status) === 'recorded' ? DONE : 'shipment_transition_refused'
  },
  move({ parcel }, { status }) {
    const from = parcel?.at(-1)
    if (from === undefined || !SHIPMENT_DRAWING.may(from, status)) return 'no'
    parcel?.push(status)
    return DONE
  },
  hear(state) {
    const { shown, parcel } = state
    if (shown.status === 'cancelled') shown.astray ||= parcel?.includes('dispatched') === true
    else if (shown.status !== 'pending') follow(state)
    return DONE
  },
  poll(state) {
    const { status } = state.shown
    if (status === 'booked' || status === 'dispatched') follow(state)
    return DONE
  },
}

export function predictShipment(state: ShipmentState, command: ShipmentCommand): string {
  const prediction: (state: ShipmentState, command: never) => string = PREDICTIONS[command.do]
  return prediction(state, command as never)
}
