/** What an order counts for against its customer's spending limit follows what it sells. */
import type { Screening } from '#activities/users.ts'
import { sum } from '#contracts/money.ts'
import { asDuty, asStep, users } from './doors.ts'
import { partsOf } from './payment.ts'
import { parcelsOf, type OrderRun, type PlannedParcel } from './run.ts'
import type { Step } from './saga.ts'

const countsFor = ({ input, state }: OrderRun): number => state.counted ?? input.total

const follows = ({ input }: OrderRun): boolean => input.policy.followsSpending === true

/** Whether the order as its state has it now costs more than it counts for. */
export const needsScreening = (run: OrderRun): boolean =>
  follows(run) && run.state.terms.total > countsFor(run)

/** Counts the higher total of an amendment by a further request; undone, the order counts for what it did before. */
export function screenAmendment(run: OrderRun): Step<Screening> {
  const { orderId, customerId, currency, policy } = run.input
  const amount = run.state.terms.total
  const request = nextRequest(run)
  return {
    name: 'screenAmendment',
    execute: async () => {
      const { screenCustomer } = users('check the spending limit again', asStep(policy))
      const result = await screenCustomer({ orderId, customerId, amount, currency, request })
      if (result.outcome === 'cleared') run.state.counted = amount
      return result
    },
    refusal: (result) => (result.outcome === 'refused' ? result.code : undefined),
    compensate: () =>
      users('give the difference back', asDuty(policy)).releaseScreening({ orderId, request }),
  }
}

/** Gives back what the order counts for beyond this amount, minor units. */
export async function countAtMost(run: OrderRun, amount: number): Promise<void> {
  const { input, state, journal, operator } = run
  if (!follows(run) || amount >= countsFor(run)) return
  const { orderId, customerId, currency, policy } = input
  const request = nextRequest(run)
  state.counted = amount
  await operator.insist({ step: journal.step, operation: 'lowerSpending' }, async () => {
    const { screenCustomer } = users('give the limit back', asDuty(policy))
    await screenCustomer({ orderId, customerId, amount, currency, request })
  })
}

export interface Sales {
  /** The parcel was never sent. */
  giveUp(parcel: PlannedParcel): Promise<void>
  /** So much went back for a parcel that was lost, minor units. */
  payBack(amount: number): Promise<void>
}

/** What is not sold in the end is given back as soon as that is known. */
export function followSales(run: OrderRun): Sales {
  const { input, state } = run
  const shipping = state.terms.shipping + state.terms.shippingTax
  const unsold = new Set<string>()
  let paidBack = 0

  /** Shipping is paid with the first parcel that leaves, or with the first of all where each is paid for by itself. */
  function sold(): number {
    const parts = state.capturedOnce === true ? partsOf(input, state) : parcelsOf(input, state)
    const sent = parts.filter(({ shipmentId }) => !unsold.has(shipmentId))
    const withShipping = state.capturedOnce !== true && sent.length > 0
    return sum(sent.map(({ amount }) => amount)) + (withShipping ? shipping : 0) - paidBack
  }

  return {
    async giveUp({ shipmentId }) {
      unsold.add(shipmentId)
      await countAtMost(run, sold())
    },
    async payBack(amount) {
      paidBack += amount
      await countAtMost(run, sold())
    },
  }
}

function nextRequest({ state }: OrderRun): number {
  const request = (state.requests.screening ?? 1) + 1
  state.requests = { ...state.requests, screening: request }
  return request
}
