/**
 * The order saga: reserve stock and screen the customer, authorize the payment, confirm, ship each parcel and capture its
 * part of the money when it leaves. What fails before the confirmation is undone; afterwards people decide.
 */
import {
  allHandlersFinished,
  ApplicationFailure,
  CancelledFailure,
  CancellationScope,
  condition,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow'
import type { AuthorizeResult } from '#activities/payments.ts'
import type { ReserveResult } from '#activities/inventory.ts'
import type { ScreenResult } from '#activities/users.ts'
import { formatMoney } from '#contracts/money.ts'
import type { Allocation } from '#contracts/schemas.ts'
import type { CancelCommand, OrderInput, OrderResult, RejectionReason } from '#contracts/workflows.ts'
import { asDuty, asStep, inventory, ordersHere, payments, users } from './doors.ts'
import { fulfil } from './fulfilment.ts'
import { createJournal, type Journal } from './journal.ts'
import { cancel, progress } from './messages.ts'
import { createOperator } from './operator.ts'
import { createSaga, SagaFailedError, type Saga, type Step } from './saga.ts'

export async function order(input: OrderInput): Promise<OrderResult> {
  const journal = createJournal(input)
  const operator = createOperator(journal, input.policy.compensationAttempts)
  const cancellation = acceptCancellation(journal)
  const saga = createSaga({
    onOutcome: (outcome) => journal.note(outcome),
    checkpoint: () => cancellation.checkpoint(),
    operator,
  })
  let allocations: Allocation[] = []
  setHandler(progress, () => ({
    status: journal.status,
    step: journal.step,
    attention: journal.attention,
    parcels: allocations,
  }))

  let outcome: Accepted | Rejection
  try {
    outcome = await accept(input, saga, journal)
    await cancellation.checkpoint()
  } catch (error) {
    cancellation.close()
    const cancelled = await cancellation.asked()
    return cancelled === undefined ? undoFailed(error) : undoCancelled(cancelled)
  }
  cancellation.close()
  // from here on the order is rejected or confirmed, and nothing that comes late may interrupt what follows from that
  return CancellationScope.nonCancellable(() =>
    outcome.outcome === 'rejected' ? reject(outcome) : ship(outcome),
  )

  async function ship(accepted: Accepted): Promise<OrderResult> {
    allocations = accepted.allocations
    await journal.pass('confirmed')
    const parcels = await fulfil({ input, allocations, journal, operator })
    await journal.enter('completed', 'completed')
    await condition(allHandlersFinished)
    return { status: 'completed', parcels }
  }

  async function reject({ code, message }: Rejection): Promise<OrderResult> {
    journal.at('compensating')
    await saga.compensate()
    await journal.enter('rejected', 'rejected', { code, message })
    await condition(allHandlersFinished)
    return { status: 'rejected', reason: code }
  }

  async function undoCancelled(error: CancelledFailure): Promise<never> {
    await CancellationScope.nonCancellable(async () => {
      const reason = { code: 'cancelled', message: cancellation.reason() }
      await journal.enter('cancelling', 'compensating', reason)
      await saga.compensate()
      await journal.enter('cancelled', 'cancelled', reason)
      await condition(allHandlersFinished)
    })
    throw error
  }

  async function undoFailed(error: unknown): Promise<never> {
    const step = saga.failedStep ?? journal.step
    return CancellationScope.nonCancellable(async () => {
      journal.at('compensating')
      await saga.compensate()
      const message = `The step ${step} could not be done.`
      await journal.enter('rejected', 'rejected', { code: 'technical', message })
      await condition(allHandlersFinished)
      throw new SagaFailedError(step, error)
    })
  }
}

interface Accepted {
  outcome: 'accepted'
  allocations: Allocation[]
}

interface Rejection {
  outcome: 'rejected'
  code: RejectionReason
  message: string
}

/** Everything up to the confirmation: what can be undone without anybody noticing. */
async function accept(input: OrderInput, saga: Saga, journal: Journal): Promise<Accepted | Rejection> {
  await journal.enter('reserving', 'reserveInventory')
  const [reserved, screened] = await saga.runTogether(reserveInventory(input), screenFraud(input))
  if (reserved.outcome === 'out_of_stock') {
    const short = reserved.shortages.map(({ sku }) => sku).join(', ')
    return { outcome: 'rejected', code: 'out_of_stock', message: `Not enough stock of ${short}.` }
  }
  if (screened.outcome === 'refused') {
    return { outcome: 'rejected', code: 'fraud', message: 'The order was refused by the fraud screening.' }
  }
  if (reserved.outcome !== 'held' || screened.outcome === 'released') throw undoneElsewhere('reservation')

  await journal.enter('authorizing', 'authorizePayment')
  const payment = await saga.run(authorizePayment(input))
  if (payment.outcome === 'declined') {
    return { outcome: 'rejected', code: 'declined', message: `The payment was declined (${payment.code}).` }
  }
  if (payment.outcome === 'voided') throw undoneElsewhere('payment')

  journal.at('confirmOrder')
  await saga.run(confirmOrder(input))
  return { outcome: 'accepted', allocations: reserved.allocations }
}

/** A tombstone answered: somebody undid this order's work while it was under way. */
const undoneElsewhere = (what: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(`The order's ${what} was undone while it was under way.`)

const reserveInventory = ({ orderId, lines, policy }: OrderInput): Step<ReserveResult> => ({
  name: 'reserveInventory',
  execute: () => {
    const { reserveInventory: reserve } = inventory(`hold ${lines.length} lines`, asStep(policy))
    return reserve({ orderId, lines: lines.map(({ sku, quantity }) => ({ sku, quantity })) })
  },
  refusal: (result) => (result.outcome === 'held' ? undefined : result.outcome),
  compensate: () => inventory('release the stock', asDuty(policy)).releaseReservation({ orderId }),
})

const screenFraud = ({ orderId, customerId, total, currency, policy }: OrderInput): Step<ScreenResult> => ({
  name: 'screenFraud',
  execute: () =>
    users('check the spending limit', asStep(policy)).screenCustomer({
      orderId,
      customerId,
      amount: total,
      currency,
    }),
  refusal: (result) => (result.outcome === 'refused' ? result.code : undefined),
  compensate: () => users('give the limit back', asDuty(policy)).releaseScreening({ orderId }),
})

const authorizePayment = (input: OrderInput): Step<AuthorizeResult> => ({
  name: 'authorizePayment',
  execute: () => {
    const { orderId, customerId, total, currency, paymentMethod, policy } = input
    const { authorizePayment: authorize } = payments(
      `authorize ${formatMoney(total, currency)}`,
      asStep(policy),
    )
    return authorize({ orderId, customerId, amount: total, currency, paymentMethod })
  },
  refusal: (result) => (result.outcome === 'declined' ? result.code : undefined),
  compensate: () =>
    payments('void the payment', asDuty(input.policy)).voidPayment({ orderId: input.orderId }),
})

const confirmOrder = ({ orderId, policy }: OrderInput): Step<void> => ({
  name: 'confirmOrder',
  execute: () => inventory('commit the stock', asStep(policy)).commitReservation({ orderId }),
  compensate: { coveredBy: 'reserveInventory' },
})

/**
 * Accepts the `cancel` Update until the order is confirmed. The Update turns into a real cancellation of the workflow,
 * the same that an operator can request in the Temporal UI, so that a cancelled order closes as Cancelled.
 */
function acceptCancellation(journal: Journal) {
  let command: CancelCommand | undefined
  let open = true

  setHandler(
    cancel,
    async (request) => {
      command = request
      const { workflowId } = workflowInfo()
      await CancellationScope.nonCancellable(() =>
        ordersHere('request the cancellation').requestCancellation({ workflowId }),
      )
    },
    {
      validator: (_request) => {
        if (open && command === undefined) return
        const state = command === undefined ? journal.status : 'being cancelled'
        throw ApplicationFailure.nonRetryable(`The order is ${state}.`, 'order_not_cancellable')
      },
    },
  )

  /** The cancellation that was asked for, if one was: an accepted one stands, whatever else has happened. */
  async function asked(): Promise<CancelledFailure | undefined> {
    const scope = CancellationScope.current()
    // on its way, by the handler's activity
    if (command !== undefined) await scope.cancelRequested.catch(() => {})
    return scope.consideredCancelled ? new CancelledFailure('The order was cancelled.') : undefined
  }

  return {
    asked,
    /** Throws CancelledFailure once a cancellation was asked for. */
    async checkpoint(): Promise<void> {
      const cancelled = await asked()
      if (cancelled !== undefined) throw cancelled
    },
    close(): void {
      open = false
    },
    reason: (): string => command?.reason ?? 'The order was cancelled.',
  }
}
