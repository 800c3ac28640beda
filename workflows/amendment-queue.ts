/**
 * Accepts the `amend` Update before fulfilment, and keeps the amendments in the order in which they came. An order that
 * waits for somebody or something takes none: whether it goes on at all is open then, and for long.
 */
import { ApplicationFailure, CancellationScope, condition, setHandler } from '@temporalio/workflow'
import type { AmendCommand, AmendResult } from '#contracts/workflows.ts'
import type { Cancellation } from './cancellation.ts'
import { WAITS_FOR, type Journal } from './journal.ts'
import { amend } from './messages.ts'

export interface Amendments {
  /** The first that is not settled. */
  readonly next: AmendCommand | undefined
  /** Answers the first one. */
  settle(result: AmendResult): void
  /** No further one is accepted. */
  close(): void
}

export function acceptAmendments(journal: Journal, cancellation: Cancellation): Amendments {
  const waiting: AmendCommand[] = []
  const results = new Map<AmendCommand, AmendResult>()
  let open = true

  setHandler(
    amend,
    (command) => {
      waiting.push(command)
      return CancellationScope.nonCancellable(async () => {
        await condition(() => results.has(command))
        const result = results.get(command)
        results.delete(command)
        return result ?? notAmendable(journal.status)
      })
    },
    {
      validator: (_command) => {
        const why = standsAgainst()
        if (why === undefined) return
        const { code, message } = notAmendable(why)
        throw ApplicationFailure.nonRetryable(message, code)
      },
    },
  )

  function standsAgainst(): string | undefined {
    if (cancellation.wanted) return 'being cancelled'
    if (!open) return journal.status
    if (journal.attention !== null) return 'waiting for an operator'
    if (journal.waitingFor !== null) return `waiting for ${WAITS_FOR[journal.waitingFor.what]}`
    return undefined
  }

  return {
    get next() {
      return waiting[0]
    },
    settle(result) {
      const command = waiting.shift()
      if (command !== undefined) results.set(command, result)
    },
    close() {
      open = false
    },
  }
}

export const notAmendable = (state: string) =>
  ({ outcome: 'refused', code: 'order_not_amendable', message: `The order is ${state}.` }) as const
