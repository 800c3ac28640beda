/** Between the confirmation and the first parcel: amendments, and an authorization that lasts until the parcels leave. */
import { ApplicationFailure, CancellationScope } from '@temporalio/workflow'
import { amendOrder } from './amendments.ts'
import { asDuty, payments } from './doors.ts'
import { continueWhenLong, type OrderRun } from './run.ts'
import { DAY_SECONDS, inSeconds, isPast, waitUntil } from './waits.ts'

/** Resolves when the parcels may be booked; throws CancelledFailure when the order is cancelled before. */
export async function settleConfirmed(run: OrderRun): Promise<void> {
  const { input, journal, cancellation } = run
  if (input.resume?.point === 'amendments') await awaitAmendments(run, input.resume.until)
  else {
    const seconds = input.policy.waits?.amendmentSeconds ?? 0
    if (seconds === 0) await journal.pass('confirmed')
    else await journal.enter('confirmed', 'awaitAmendments')
    await awaitAmendments(run, inSeconds(seconds))
  }
  await renewAuthorization(run)
  await cancellation.checkpoint()
}

async function awaitAmendments(run: OrderRun, until: string): Promise<void> {
  const { amendments, cancellation } = run
  for (;;) {
    await cancellation.checkpoint()
    if (amendments.next !== undefined) {
      await amendOrder(run, amendments.next.amendmentId)
      continue
    }
    if (isPast(until)) return amendments.close()
    await continueWhenLong(run, { point: 'amendments', until })
    await waitUntil(until, () => amendments.next !== undefined, 'amendments')
  }
}

/** The money must be there for a day longer than the parcels are expected to need. */
async function renewAuthorization({ input, state, operator, cancellation }: OrderRun): Promise<void> {
  const { orderId, policy } = input
  const until = inSeconds((policy.waits?.dispatchSeconds ?? 0) + DAY_SECONDS)
  const ends = state.authorizationEnds
  if (policy.waits === undefined || ends === null || Date.parse(ends) >= Date.parse(until)) return
  const concern = {
    step: 'renewAuthorization',
    operation: 'renewAuthorization',
    settled: () =>
      cancellation.wanted ? { by: cancellation.by, note: 'The order was cancelled.' } : undefined,
  }
  await CancellationScope.nonCancellable(() =>
    operator.insist(concern, async () => {
      const { renewAuthorization: renew } = payments('authorize for longer', asDuty(policy))
      const result = await renew({ orderId, until })
      if (result.outcome === 'declined')
        throw ApplicationFailure.nonRetryable(`the renewal was declined (${result.code})`)
      state.authorizationEnds = until
    }),
  )
}
