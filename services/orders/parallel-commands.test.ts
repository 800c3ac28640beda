import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import { ProblemError } from '#platform/problem.ts'
import { openSaga, orderOf, waiting } from '#tests/support/saga.ts'
import { createOrderWorkflows, type OrderWorkflows } from './order-workflow.ts'

const saga = openSaga()
const ROUNDS = 3
const AT_ONCE = 20
const GIVEN_BACK = 'workflow_engine_unavailable'

/** Decides, and says what came of it. */
const decide = (
  workflows: OrderWorkflows,
  input: Parameters<OrderWorkflows['command']>[0],
  updateId: string,
): Promise<string> =>
  workflows
    .command(input, { name: 'decide', argument: { decision: 'cancel', by: 'customer' } }, updateId, {
      mayStart: false,
    })
    .then(
      () => 'taken',
      (error: unknown) => (error instanceof ProblemError ? error.code : String(error)),
    )

it('of many decisions at once one is taken, and each other is refused or may be sent again', async () => {
  saga.answers.reserveInventory = async () => ({
    outcome: 'out_of_stock',
    shortages: [{ sku: 'MUG-WHITE', requested: 2, available: 1 }],
  })
  const workflows = createOrderWorkflows(saga.client)
  for (let round = 0; round < ROUNDS; round += 1) {
    const input = orderOf({ onShortage: 'ask', policy: waiting() })
    const handle = await saga.start(input)
    await saga.reaches(handle, 'awaiting_customer', 'shortage_decision')
    const said = new Map<string, string>()
    const givenBack = new Set<string>()
    let unanswered = Array.from({ length: AT_ONCE }, () => randomUUID())
    // Temporal gives the rest of a crowd back, unseen by the workflow: sent again, each is answered by it
    while (unanswered.length > 0) {
      const answers = await Promise.all(
        unanswered.map(async (id) => [id, await decide(workflows, input, id)] as const),
      )
      for (const [id, answer] of answers) {
        if (answer === GIVEN_BACK) givenBack.add(id)
        else said.set(id, answer)
      }
      unanswered = unanswered.filter((id) => !said.has(id))
    }
    const accepted = (await saga.history(handle)).flatMap(
      ({ workflowExecutionUpdateAcceptedEventAttributes: update }) =>
        update?.acceptedRequest?.meta?.updateId ?? [],
    )
    expect(accepted).toHaveLength(1)
    const [taken = ''] = accepted
    // one whose answer came too late may find, when it is sent again, that its order has ended by it
    if (!givenBack.has(taken)) expect(said.get(taken)).toBe('taken')
    said.delete(taken)
    expect([...said.values()]).toEqual(Array(AT_ONCE - 1).fill('no_decision_waiting'))
  }
}, 60_000)
