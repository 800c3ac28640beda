/**
 * Makes every attempt of an activity one call, however often Temporal makes it: a workflow task that took too long is done
 * over, and with it those of its local activities that no history tells of yet. What the product does again is another
 * attempt or another activity.
 */
import { activityInfo } from '@temporalio/activity'

export type AskOnce = (call: string, ask: () => Promise<unknown>) => Promise<unknown>

export function oncePerAttempt(): AskOnce {
  const answers = new Map<string, Promise<unknown>>()
  return (call, ask) => {
    const { workflowExecution, activityId, attempt } = activityInfo()
    const key = [workflowExecution?.runId, activityId, attempt, call].join(' ')
    const given = answers.get(key)
    if (given !== undefined) return given
    const answer = ask()
    answers.set(key, answer)
    return answer
  }
}
