/**
 * A small world for one order: stock, money and limits that remember what was done to them. Every call may come twice, and a
 * call that comes after its undoing finds a tombstone, as the contracts of the activities say.
 */
import { randomUUID } from 'node:crypto'
import { ApplicationFailure } from '@temporalio/common'
import { FAILURE, type OrderTerms } from '#contracts/workflows.ts'
import { cheerful, type Answers } from './saga-answers.ts'

/** What is left of an order when it has ended. */
export interface Remains {
  status: string
  stock: { available: number; held: number; committed: number; shipped: number }
  money: { authorized: number; captured: number }
  spent: number
}

export interface World {
  readonly answers: Answers
  readonly stock: Remains['stock']
  /** Parcels that are booked and can be moved. */
  readonly booked: ReadonlySet<string>
  /** Whether an operator is asked now. */
  readonly unanswered: boolean
  /** What operators were asked about. */
  readonly concerns: string[]
  remains(): Remains
}

/** Mugs for 10 each with tax, 5 of shipping. */
export const termsOf = (quantity: number): OrderTerms => ({
  lines: [{ sku: 'MUG-WHITE', quantity, total: quantity * 800, tax: quantity * 200 }],
  shipping: 400,
  shippingTax: 100,
  total: quantity * 1000 + 500,
})

export const refusedFor = (message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, FAILURE.refused)

type Reserved = Awaited<ReturnType<Answers['reserveInventory']>>

/** @param available units of the only product @param amended how many units the order's amendment makes of it */
export function createWorld({ available = 10, amended = 3 } = {}): World {
  const stock = { available, held: 0, committed: 0, shipped: 0 }
  const requests = new Map<number, Reserved>()
  let reservation: 'none' | 'held' | 'committed' | 'released' = 'none'
  const authorizations = new Map<number, number>()
  const captures = new Map<string, number>()
  let voided = false
  let spent = 0
  let status = 'placed'
  let attention = false
  const concerns: string[] = []
  const booked = new Set<string>()
  const given = new Set<string>()

  const promised = () => (reservation === 'committed' ? stock.committed : stock.held)
  function promise(units: number): void {
    stock.available -= units - promised()
    if (reservation === 'committed') stock.committed = units
    else stock.held = units
  }
  const live = () => {
    const authorized = [...authorizations.values()].reduce((sum, amount) => sum + amount, 0)
    const captured = [...captures.values()].reduce((sum, amount) => sum + amount, 0)
    return { authorized: Math.max(0, authorized - captured), captured }
  }

  const answers: Answers = {
    ...cheerful(new Set()),
    async reserveInventory({ lines, request = 1, onShortage = 'refuse' }) {
      if (reservation === 'released') return { outcome: 'released' }
      const known = requests.get(request)
      if (known !== undefined) return known
      const wanted = lines.reduce((sum, { quantity }) => sum + quantity, 0)
      const possible = stock.available + promised()
      const shortages = [{ sku: 'MUG-WHITE', requested: wanted, available: possible }]
      if (wanted > possible && (onShortage !== 'take_available' || possible === 0))
        return { outcome: 'out_of_stock', shortages }
      const units = Math.min(wanted, possible)
      if (reservation === 'none') reservation = 'held'
      promise(units)
      const answer: Reserved = {
        outcome: 'held',
        allocations: [{ warehouse: 'AMS', lines: [{ sku: 'MUG-WHITE', quantity: units }] }],
        expiresAt: new Date(Date.now() + 60_000).toISOString(),
        ...(units < wanted ? { shortages } : {}),
      }
      requests.set(request, answer)
      return answer
    },
    async commitReservation() {
      if (reservation === 'released' || reservation === 'none') throw refusedFor('the hold is gone')
      if (reservation === 'committed') return
      stock.committed = stock.held
      stock.held = 0
      reservation = 'committed'
    },
    async extendReservation() {
      if (reservation !== 'held') throw refusedFor('the hold is gone')
    },
    async releaseReservation() {
      if (reservation !== 'released') promise(0)
      reservation = 'released'
    },
    async releaseParcelStock({ shipmentId, lines }) {
      if (given.has(shipmentId)) return
      given.add(shipmentId)
      promise(promised() - lines.reduce((sum, { quantity }) => sum + quantity, 0))
    },
    async screenCustomer({ amount }) {
      if (spent === -1) return { outcome: 'released' }
      spent = amount
      return { outcome: 'cleared' }
    },
    async releaseScreening() {
      spent = -1
    },
    async authorizePayment({ amount, request = 1 }) {
      if (voided) return { outcome: 'voided' }
      authorizations.set(request, authorizations.get(request) ?? amount)
      return { outcome: 'authorized', paymentId: randomUUID() }
    },
    async voidPayment() {
      voided = true
      const { captured } = live()
      authorizations.clear()
      if (captured > 0) authorizations.set(0, captured)
    },
    async keepAuthorization({ request, givenUp }) {
      for (const other of authorizations.keys()) if (other !== request) authorizations.delete(other)
      if (givenUp !== undefined) authorizations.delete(givenUp)
    },
    async capturePayment({ shipmentId, amount, shipping }) {
      const captured = captures.get(shipmentId) ?? amount + shipping
      captures.set(shipmentId, captured)
      return { outcome: 'captured', captured }
    },
    async bookShipment({ shipmentId }) {
      if (given.has(`shipment ${shipmentId}`)) return { outcome: 'cancelled' }
      booked.add(shipmentId)
      return { outcome: 'booked', trackingNumber: 'T1' }
    },
    async cancelShipment({ shipmentId }) {
      given.add(`shipment ${shipmentId}`)
      booked.delete(shipmentId)
    },
    async recordParcel({ status: seen }) {
      if (seen !== 'dispatched') return
      stock.shipped = stock.committed
      stock.committed = 0
    },
    async recordProgress({ status: next }) {
      status = next ?? status
    },
    async raiseAttention({ operation }) {
      attention = true
      concerns.push(operation)
    },
    async clearAttention() {
      attention = false
    },
    async quoteAmendment() {
      return { outcome: 'possible', terms: termsOf(amended), linesChanged: true }
    },
  }
  return {
    answers,
    stock,
    booked,
    concerns,
    get unanswered() {
      return attention
    },
    remains: () => ({ status, stock: { ...stock }, money: live(), spent: Math.max(0, spent) }),
  }
}
