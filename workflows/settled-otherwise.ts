/**
 * Money that an operator has moved otherwise. Payments is told, or whoever goes on there with what is open would move it once
 * more as soon as the provider is back.
 */
import { patched } from '@temporalio/workflow'
import type { Capture, Refunding } from '#activities/payments.ts'
import { payments, untilDone } from './doors.ts'

/** @returns whether nobody captures it any more: what is authorized for it is to be released */
export async function giveUpCapture(capture: Capture): Promise<boolean> {
  if (!isTold()) return false
  await payments('it was collected otherwise', untilDone).giveUpCapture(capture)
  return true
}

/** Does nothing where there was nothing to give back. */
export async function giveUpRefund(refund: Refunding): Promise<void> {
  if (refund.amount === 0 || !isTold()) return
  await payments('it was paid back otherwise', untilDone).giveUpRefund(refund)
}

/** Runs from before that only went on. */
const isTold = (): boolean => patched('payments-hears-what-is-settled-otherwise')
