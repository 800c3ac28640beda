/**
 * Work that has to happen and for which no order waits: it is tried again for ever, ever more rarely, and is before the
 * operators meanwhile. They may have it tried at once, or say that they have seen to it otherwise.
 */
import { ActivityFailure, ApplicationFailure, condition, setHandler } from '@temporalio/workflow'
import type { OperateCommand } from '#contracts/workflows.ts'
import { orders, untilDone } from './doors.ts'
import { operate } from './messages.ts'
import type { OpenQuestions } from './needs-attention.ts'
import { reasonOf } from './reason.ts'
import { DAY_SECONDS, HOUR_SECONDS, inSeconds, waitUntil } from './waits.ts'

export interface Concerns {
  insist(operation: string, work: () => Promise<void>): Promise<'done' | 'resolved'>
}

interface Open {
  operation: string
  since: string
  answer?: OperateCommand
}

/** @param about the order, and what makes a repeat the same: `return:<id>` */
export function createConcerns(
  about: { orderId: string; source: string; step: string },
  questions: OpenQuestions,
): Concerns {
  const open: Open[] = []
  const asked = ({ since, operation }: OperateCommand): Open | undefined =>
    open.find(
      (one) =>
        one.answer === undefined &&
        (since === undefined || since === one.since) &&
        (operation === undefined || operation === one.operation),
    )

  setHandler(
    operate,
    async (command) => {
      const concern = asked(command)
      if (concern === undefined) return
      concern.answer = command
      await condition(() => !open.includes(concern))
    },
    {
      validator: (command: OperateCommand) => {
        if (asked(command) !== undefined) return
        throw ApplicationFailure.nonRetryable('Nothing waits for an operator here.', 'no_operation_waiting')
      },
    },
  )

  /** Waits for an operator, or for the next try. */
  async function ask(
    operation: string,
    cause: unknown,
    seconds: number,
  ): Promise<OperateCommand | undefined> {
    const { orderId, step } = about
    const source = `${about.source}:${operation}`
    const concern: Open = { operation, since: new Date().toISOString() }
    open.push(concern)
    questions.raised(source)
    await orders(`needs an operator: ${operation}`, untilDone).raiseConcern({
      orderId,
      source,
      step,
      operation,
      error: reasonOf(cause),
    })
    const answered = () => concern.answer !== undefined
    await waitUntil(inSeconds(seconds), answered, `an operator or the next try of ${operation}`)
    const { answer } = concern
    if (answer !== undefined) {
      questions.settled(source)
      const note = `${answer.action} by ${answer.by}: ${answer.note}`
      await orders(`an operator says ${answer.action}`, untilDone).settleConcern({ orderId, source, note })
    }
    open.splice(open.indexOf(concern), 1)
    return answer
  }

  return {
    async insist(operation, work) {
      const { orderId } = about
      let raised = false
      for (let seconds = HOUR_SECONDS; ; seconds = Math.min(seconds * 2, DAY_SECONDS)) {
        try {
          await work()
          if (raised) {
            const source = `${about.source}:${operation}`
            questions.settled(source)
            await orders('that is done', untilDone).settleConcern({ orderId, source, note: 'It was done.' })
          }
          return 'done'
        } catch (error) {
          if (!(error instanceof ActivityFailure || error instanceof ApplicationFailure)) throw error
          const answer = await ask(operation, error, seconds)
          if (answer?.action === 'resolve') return 'resolved'
          raised = answer === undefined
        }
      }
    },
  }
}
