/** Everything up to the confirmation: what can be undone without anybody noticing. */
import type { Screening } from '#activities/users.ts'
import { asDuty, asStep, inventory, users } from './doors.ts'
import { authorizePayment, securePayment } from './payment.ts'
import { undoneElsewhere, type OrderRun, type Rejection } from './run.ts'
import type { Step } from './saga.ts'
import { asksForDecision, outOfStock, reserveStock, secureStock, waitForStock } from './shortage.ts'

/** Resolves when the order is confirmed in all but name, or with why it is not to be. */
export async function accept(run: OrderRun): Promise<Rejection | undefined> {
  return (await holdStock(run)) ?? (await securePayment(run)) ?? (await confirm(run))
}

/** What is to be undone of an order that an earlier run had confirmed, or may have. */
export function resumeAccepted(run: OrderRun): void {
  run.saga.resume([reserveStock(run), screenFraud(run), authorizePayment(run), confirmOrder(run.input)])
}

async function holdStock(run: OrderRun): Promise<Rejection | undefined> {
  const { input, journal, saga } = run
  if (input.resume?.point === 'stock') {
    saga.resume([reserveStock(run), screenFraud(run)])
    if (input.resume.stockHeld) run.customer.stockHeld.ring()
    return waitForStock(run, input.resume.until)
  }
  await journal.enter('reserving', 'reserveInventory')
  const [reserved, screened] = await saga.runTogether(reserveStock(run), screenFraud(run))
  if (reserved.outcome === 'out_of_stock' && !asksForDecision(run)) return outOfStock(reserved)
  if (screened.outcome === 'refused') {
    return { code: 'fraud', message: 'The order was refused by the fraud screening.' }
  }
  if (screened.outcome === 'released') throw undoneElsewhere('screening')
  return secureStock(run, reserved)
}

const screenFraud = ({ input }: OrderRun): Step<Screening> => ({
  name: 'screenFraud',
  execute: () => {
    const { orderId, customerId, total, currency, policy } = input
    const { screenCustomer } = users('check the spending limit', asStep(policy))
    return screenCustomer({ orderId, customerId, amount: total, currency })
  },
  refusal: (result) => (result.outcome === 'refused' ? result.code : undefined),
  compensate: () =>
    users('give the limit back', asDuty(input.policy)).releaseScreening({ orderId: input.orderId }),
})

async function confirm({ input, journal, saga }: OrderRun): Promise<undefined> {
  journal.at('confirmOrder')
  await saga.run(confirmOrder(input))
}

/** A hold that is gone fails the order: what it was to have may be somebody else's by now. */
const confirmOrder = ({ orderId, policy }: OrderRun['input']): Step<void> => ({
  name: 'confirmOrder',
  execute: () => inventory('commit the stock', asStep(policy)).commitReservation({ orderId }),
  compensate: { coveredBy: 'reserveInventory' },
})
