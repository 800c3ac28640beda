/** An order as its rules say it should be: what a command makes of it, and what it is refused with. */
import type { OrderStatus } from '#contracts/states.ts'
import type { WaitingFor } from '#contracts/workflows.ts'
import { ORDER_DRAWING } from './state-drawings.ts'

export type Units = Record<string, number>

/** Questions, concerns, changes, steps and updates are told apart by numbers. */
export type OrderCommand =
  | {
      do: 'record'
      status?: OrderStatus
      steps: number[]
      waitsFor?: WaitingFor['what'] | null
      reason?: string
    }
  | { do: 'raise'; question: number }
  | { do: 'clear'; question: number; action: 'retry' | 'resolve' }
  | { do: 'concern' | 'settle'; source: number }
  | { do: 'revise'; revision: number; units: Units }
  | { do: 'ask'; change: number; accepted: boolean }
  | { do: 'quote' | 'apply' | 'refuse'; change: number }
  | {
      do: 'command'
      name: keyof typeof TOO_LATE
      update: number
      stranger: boolean
      ifMatch?: number
      accepted: boolean
    }
  | { do: 'operate'; action: 'retry' | 'resolve'; update: number; accepted: boolean }

export interface OrderState {
  shown: {
    status: OrderStatus
    version: number
    revision: number
    question: number | null
    waitsFor: WaitingFor['what'] | null
    reason: string | null
    units: Units
    concerns: number[]
    changes: Record<number, 'requested' | 'applied' | 'refused'>
    /** `[version, type, the status it tells of]` */
    events: [number, string, OrderStatus | null][]
    /** `<kind> <name> <status>` */
    timeline: string[]
  }
  /** What was said before. */
  known: Set<string>
}

/** What the customer wants who asks for this change. */
export const unitsOf = (change: number): Units => ({ TEE: 1 + (change % 4), BOOK: 1 + (change % 3) })

export const newOrderState = (units: Units): OrderState => ({
  shown: {
    status: 'placed',
    version: 1,
    revision: 0,
    question: null,
    waitsFor: null,
    reason: null,
    units,
    concerns: [],
    changes: {},
    events: [[1, 'order.created', 'placed']],
    timeline: ['request placeOrder accepted', 'event order.created placed'],
  },
  known: new Set(),
})

/** What a customer is told who comes after the end. */
export const TOO_LATE = {
  cancel: 'order_not_cancellable',
  decide: 'no_decision_waiting',
  changePaymentMethod: 'no_payment_method_waiting',
} as const

const DONE = 'done'
const REFUSED = 'Refused'

export const hasEnded = ({ shown }: OrderState): boolean => ORDER_DRAWING.after(shown.status).length === 0

/** The first time that this is said. */
function isNews(state: OrderState, what: string): boolean {
  if (state.known.has(what)) return false
  state.known.add(what)
  return true
}

/** A change of the order: one version, one event, one entry in the timeline. */
function announce({ shown }: OrderState, type: string, entry: string): void {
  shown.version += 1
  shown.events.push([shown.version, type, type.startsWith('order.attention') ? null : shown.status])
  shown.timeline.push(entry)
}

function sell(state: OrderState, units: Units): string {
  state.shown.units = Object.fromEntries(Object.entries(units).filter(([, quantity]) => quantity > 0))
  announce(state, 'order.revised', `event order.revised ${state.shown.status}`)
  return DONE
}

type Do = OrderCommand['do']
type CommandOf<D extends Do> = OrderCommand & { do: D }

const PREDICTIONS: { [D in Do]: (state: OrderState, command: CommandOf<D>) => string } = {
  record(state, { status: to, steps, waitsFor, reason }) {
    const { shown } = state
    const status = to ?? shown.status
    const moves = status !== shown.status
    if (moves && !ORDER_DRAWING.may(shown.status, status)) return REFUSED
    const asked = shown.waitsFor
    shown.status = status
    if (waitsFor !== undefined) shown.waitsFor = waitsFor
    if (hasEnded(state)) shown.waitsFor = null
    for (const step of steps) {
      if (isNews(state, `step ${step}`)) shown.timeline.push(`step step ${step} completed`)
    }
    if (moves || (status === 'awaiting_customer' && shown.waitsFor !== asked)) {
      announce(state, `order.${status}`, `event order.${status} ${status}`)
      shown.reason = reason ?? shown.reason
    }
    if (moves && hasEnded(state)) {
      for (const [key, was] of Object.entries(shown.changes)) {
        if (was !== 'requested') continue
        shown.changes[Number(key)] = 'refused'
        state.known.add(`closed ${key}`)
      }
      if (shown.question !== null) {
        shown.question = null
        announce(state, 'order.attention_cleared', 'event order.attention_cleared settled')
      }
    }
    return DONE
  },
  raise(state, { question }) {
    if (hasEnded(state) || question <= (state.shown.question ?? 0)) return DONE
    if (!isNews(state, `question ${question}`)) return DONE
    state.shown.question = question
    announce(state, 'order.attention_raised', 'event order.attention_raised waiting')
    return DONE
  },
  clear(state, { question, action }) {
    const open = state.shown.question
    if (open === null || open > question) return DONE
    state.shown.question = null
    announce(state, 'order.attention_cleared', `operator ${action} done`)
    return DONE
  },
  concern(state, { source }) {
    const { shown } = state
    if (shown.concerns.includes(source)) return DONE
    shown.concerns = [...shown.concerns, source].toSorted((one, other) => one - other)
    announce(state, 'order.attention_raised', 'event order.attention_raised waiting')
    return DONE
  },
  settle(state, { source }) {
    const { shown } = state
    if (!shown.concerns.includes(source)) return DONE
    shown.concerns = shown.concerns.filter((open) => open !== source)
    announce(state, 'order.attention_cleared', 'event order.attention_cleared settled')
    return DONE
  },
  revise(state, { revision, units }) {
    const { shown } = state
    if (revision <= shown.revision) return DONE
    const tooMuch = Object.entries(units).some(([sku, quantity]) => quantity > (shown.units[sku] ?? 0))
    const nothing = Object.values(units).every((quantity) => quantity === 0)
    if (hasEnded(state) || tooMuch || nothing) return REFUSED
    shown.revision = revision
    return sell(state, units)
  },
  ask(state, { change: number, accepted }) {
    const { shown } = state
    const was = shown.changes[number]
    if (was === 'refused')
      return state.known.has(`closed ${number}`) ? 'order_not_amendable' : 'amendment_refused'
    if (was !== 'applied') {
      if (hasEnded(state)) return 'order_not_amendable'
      if (!accepted) {
        delete shown.changes[number]
        state.known.delete(`quote ${number}`)
        return 'order_not_amendable'
      }
      shown.changes[number] = 'requested'
    }
    if (isNews(state, `change ${number}`)) shown.timeline.push('request amend accepted')
    return DONE
  },
  quote(state, { change: number }) {
    const was = state.shown.changes[number]
    if (was === undefined) return REFUSED
    if (was === 'requested') state.known.add(`quote ${number}`)
    return DONE
  },
  apply(state, { change: number }) {
    const was = state.shown.changes[number]
    if (was === 'applied') return DONE
    if (was !== 'requested' || !state.known.has(`quote ${number}`)) return REFUSED
    state.shown.changes[number] = 'applied'
    return sell(state, unitsOf(number))
  },
  refuse(state, { change: number }) {
    const { shown } = state
    const was = shown.changes[number]
    if (was === undefined || was === 'applied') return REFUSED
    shown.changes[number] = 'refused'
    return DONE
  },
  command(state, { name, update, stranger, ifMatch, accepted }) {
    if (stranger) return 'not_found'
    if (state.known.has(`update ${update}`)) return DONE
    if (ifMatch !== undefined && ifMatch !== state.shown.version) return 'stale_version'
    if (hasEnded(state) || !accepted) return TOO_LATE[name]
    return acceptUpdate(state, name, update)
  },
  operate(state, { action, update, accepted }) {
    const { shown } = state
    if (shown.concerns.length + (shown.question === null ? 0 : 1) > 1) return 'several_operations_waiting'
    if (shown.question === null && shown.concerns.length > 0) {
      if (action === 'retry') return 'no_operation_waiting'
      for (const _concern of shown.concerns.splice(0)) {
        announce(state, 'order.attention_cleared', 'operator resolve done')
      }
      return DONE
    }
    if (state.known.has(`update ${update}`)) return DONE
    if (hasEnded(state) || !accepted) return 'no_operation_waiting'
    return acceptUpdate(state, 'operate', update)
  },
}

function acceptUpdate(state: OrderState, name: string, update: number): string {
  state.known.add(`update ${update}`)
  // what an operator does is the operator’s
  state.shown.timeline.push(`${name === 'operate' ? 'operator' : 'request'} ${name} accepted`)
  return DONE
}

export function predictOrder(state: OrderState, command: OrderCommand): string {
  const prediction: (state: OrderState, command: never) => string = PREDICTIONS[command.do]
  return prediction(state, command as never)
}
