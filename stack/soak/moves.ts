/** What people may do with an order next, as far as its state allows. */
import type { Order } from '#contracts/http/orders.ts'
import type { Outside } from '../demo/outside.ts'
import type { Answer, Caller } from './callers.ts'

export interface People {
  customer: Caller
  courier: Caller
  operator: Caller
  outside: Outside
}

interface Move {
  isPossible: (order: Order) => boolean
  /** @param chance any number from 0: which way it is made */
  make: (people: People, order: Order, chance: number) => Promise<Answer<object> | void>
}

const pick = <Choice>(choices: readonly [Choice, ...Choice[]], chance: number): Choice =>
  choices[chance % choices.length] ?? choices[0]

const waitsFor =
  (...what: string[]) =>
  ({ waitingFor }: Order): boolean =>
    waitingFor !== null && what.includes(waitingFor.what)

const may =
  (action: Order['actions'][number]) =>
  ({ actions }: Order): boolean =>
    actions.includes(action)

const parcel = ({ shipments }: Order, status: string) => shipments.find((each) => each.status === status)
const goodsBack = ({ returns }: Order, status: string) => returns.find((each) => each.status === status)

const scan =
  (from: string, to: string): Move['make'] =>
  ({ courier }, order) =>
    courier.post(`/api/v1/shipments/${parcel(order, from)?.id}/scans`, { status: to })

const decideReturn =
  (from: string, verb: string, bodyOf: (chance: number) => object): Move['make'] =>
  ({ operator }, order, chance) =>
    operator.post(`/api/v1/returns/${goodsBack(order, from)?.id}/${verb}`, bodyOf(chance))

const NAMES = [
  'cancel',
  'amend',
  'decide',
  'payOtherwise',
  'answerBank',
  'takeParcel',
  'deliverParcel',
  'loseParcel',
  'sendBack',
  'approveReturn',
  'rejectReturn',
  'receiveReturn',
] as const

export type MoveName = (typeof NAMES)[number]

export const MOVES: Record<MoveName, Move> = {
  cancel: {
    isPossible: may('cancel'),
    make: ({ customer }, { id }) => customer.post(`/api/v1/orders/${id}/cancel`, { reason: 'soak' }),
  },
  amend: {
    isPossible: may('amend'),
    make: ({ customer }, { id }, chance) =>
      customer.post(`/api/v1/orders/${id}/amendments`, {
        lines: [{ sku: pick(['MUG-WHITE', 'TEE-BLACK-M', 'LAMP-OAK'], chance), quantity: 1 + (chance % 4) }],
      }),
  },
  decide: {
    isPossible: waitsFor('shortage_decision'),
    make: ({ customer }, { id }, chance) =>
      customer.post(`/api/v1/orders/${id}/decisions`, {
        decision: pick(['ship_available', 'wait', 'cancel'], chance),
      }),
  },
  payOtherwise: {
    isPossible: waitsFor('payment_method'),
    make: ({ customer }, { id }, chance) =>
      customer.post(`/api/v1/orders/${id}/payment-method`, {
        paymentMethod: pick(
          ['pm_card_visa', 'pm_card_visa_chargeDeclined', 'pm_card_authenticationRequired'],
          chance,
        ),
      }),
  },
  answerBank: {
    isPossible: waitsFor('payment_action'),
    make: ({ outside }, { waitingFor }, chance) =>
      outside.answerBank(waitingFor?.url ?? '', chance % 4 === 0 ? 'decline' : 'approve'),
  },
  takeParcel: {
    isPossible: (order) => parcel(order, 'booked') !== undefined,
    make: scan('booked', 'dispatched'),
  },
  deliverParcel: {
    isPossible: (order) => parcel(order, 'dispatched') !== undefined,
    make: scan('dispatched', 'delivered'),
  },
  loseParcel: {
    isPossible: (order) => parcel(order, 'dispatched') !== undefined,
    make: scan('dispatched', 'lost'),
  },
  sendBack: {
    isPossible: may('return'),
    make: ({ customer }, { id, lines }, chance) => {
      const kept = lines.filter(({ fulfilled, returned }) => fulfilled > returned)
      const sku = kept[chance % kept.length]?.sku
      const reason = 'soak'
      return customer.post(`/api/v1/orders/${id}/returns`, { lines: [{ sku, quantity: 1, reason }] })
    },
  },
  approveReturn: {
    isPossible: (order) => goodsBack(order, 'requested') !== undefined,
    make: decideReturn('requested', 'approve', () => ({})),
  },
  rejectReturn: {
    isPossible: (order) => goodsBack(order, 'requested') !== undefined,
    make: decideReturn('requested', 'reject', () => ({ reason: 'soak' })),
  },
  receiveReturn: {
    isPossible: (order) => goodsBack(order, 'approved') !== undefined,
    make: decideReturn('approved', 'receive', (chance) => ({
      warehouse: pick(['AMS', 'LJU'], chance),
      disposition: pick(['restock', 'write_off'], chance),
    })),
  },
}

/** What is done at the end, so that every order comes to one. */
const CLOSING: MoveName[] = ['takeParcel', 'deliverParcel', 'rejectReturn', 'receiveReturn']

/** Below this chance nobody cancels: otherwise most orders would end so. */
const SELDOM = 7_000

/** One of the moves that are possible now, or none: people also wait. */
export function nextMove(order: Order, chance: number): MoveName | undefined {
  const possible = NAMES.filter((name) => MOVES[name].isPossible(order))
  const move = possible[chance % (possible.length + 1)]
  return move === 'cancel' && chance < SELDOM ? undefined : move
}

/** Whatever brings the order nearer to its end. */
export function closingMove(order: Order): MoveName | undefined {
  const waits = waitsFor('shortage_decision', 'payment_method', 'payment_action', 'stock')(order)
  return waits && MOVES.cancel.isPossible(order)
    ? 'cancel'
    : CLOSING.find((name) => MOVES[name].isPossible(order))
}
