/** What the customer and the services behind the customer's waiting say to the order while it runs. */
import { ApplicationFailure, setHandler } from '@temporalio/workflow'
import type { Shortage } from '#activities/inventory.ts'
import type { ChangePaymentMethodCommand, DecideCommand } from '#contracts/workflows.ts'
import type { Cancellation } from './cancellation.ts'
import { changePaymentMethod, decide, paymentSettled, stockHeld } from './messages.ts'
import { waitUntil } from './waits.ts'

export interface Customer {
  /** Waits for the answer to a shortage; undefined when it does not come in time. */
  decision(
    until: string,
    question: { anythingAvailable: boolean },
  ): Promise<'ship_available' | 'wait' | undefined>
  /** Waits for another payment method; undefined when it does not come in time. */
  paymentMethod(until: string): Promise<string | undefined>
  /** The provider has said something about the payment since `forget`. */
  readonly paymentSettled: Bell
  /** The stock that the order waits for may be there since `forget`. */
  readonly stockHeld: Bell
}

/** A signal that carries no news of its own: it says that asking again is worth it. */
export interface Bell {
  readonly rang: boolean
  ring(): void
  forget(): void
}

/** Whether there is anything to ship of what was ordered. */
export const anythingAvailable = (
  lines: readonly { sku: string }[],
  shortages: readonly Shortage[],
): boolean =>
  shortages.some(({ available }) => available > 0) ||
  lines.some((line) => !shortages.some(({ sku }) => sku === line.sku))

export function acceptAnswers(cancellation: Cancellation): Customer {
  const decision = question<DecideCommand>('decision about the shortage')
  const method = question<ChangePaymentMethodCommand>('another payment method')
  let available = false

  setHandler(
    decide,
    async (command) => {
      if (command.decision === 'cancel') await cancellation.request({ by: command.by, reason: null })
      else decision.answer(command)
    },
    {
      validator: (command: DecideCommand) => {
        if (!decision.open || cancellation.wanted) throw refusal('no_decision_waiting', 'a decision')
        if (command.decision === 'ship_available' && !available)
          throw ApplicationFailure.nonRetryable('Nothing of the order is available.', 'decision_not_possible')
      },
    },
  )
  setHandler(changePaymentMethod, (command) => method.answer(command), {
    validator: (_command) => {
      if (!method.open || cancellation.wanted)
        throw refusal('no_payment_method_waiting', 'another payment method')
    },
  })
  const settled = bell()
  const held = bell()
  setHandler(paymentSettled, settled.ring)
  setHandler(stockHeld, held.ring)

  return {
    async decision(until, { anythingAvailable: some }) {
      available = some
      const answer = (await decision.ask(until))?.decision
      return answer === 'cancel' ? undefined : answer
    },
    paymentMethod: async (until) => (await method.ask(until))?.paymentMethod,
    paymentSettled: settled,
    stockHeld: held,
  }
}

const refusal = (code: string, what: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(`The order does not wait for ${what}.`, code)

/** Something that is asked for a while and answered at most once. */
function question<Answer>(what: string) {
  let asking = false
  let given: Answer | undefined
  return {
    get open() {
      return asking && given === undefined
    },
    answer(answer: Answer): void {
      given = answer
    },
    async ask(until: string): Promise<Answer | undefined> {
      asking = true
      given = undefined
      try {
        await waitUntil(until, () => given !== undefined, what)
        return given
      } finally {
        asking = false
      }
    },
  }
}

function bell() {
  let rang = false
  return {
    get rang() {
      return rang
    },
    ring: () => void (rang = true),
    forget: () => void (rang = false),
  }
}
