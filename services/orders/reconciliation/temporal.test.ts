import { randomUUID } from 'node:crypto'
import type { Client } from '@temporalio/client'
import { temporal } from '@temporalio/proto'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { returnWorkflowId } from '#contracts/return-workflow.ts'
import { orderWorkflowId, RECONCILIATION_WORKFLOW } from '#contracts/workflows.ts'
import { silentLogger } from '#tests/support/orders.ts'
import { startWorkers } from '#tests/support/temporal.ts'
import {
  keepReconciliationScheduled,
  RECONCILIATION_SCHEDULE,
  RECONCILIATION_SUMMARY,
  scheduleReconciliation,
} from './schedule.ts'
import { createWorkflowStates } from './workflow-states.ts'

const { CommandType } = temporal.api.enums.v1
type Ids = [string, string, string, string]

let client: Client
beforeAll(async () => {
  client = await startWorkers({})
})

describe('the schedule', () => {
  const described = () => client.schedule.getHandle(RECONCILIATION_SCHEDULE).describe()

  it('is made once, whoever starts first, and changed with the setting', async () => {
    await Promise.all(Array.from({ length: 3 }, () => scheduleReconciliation(client, 5)))
    const made = await described()
    expect(made).toMatchObject({
      spec: { intervals: [{ every: 300_000 }] },
      policies: { overlap: 'SKIP' },
      action: {
        type: 'startWorkflow',
        workflowType: RECONCILIATION_WORKFLOW,
        taskQueue: 'orders',
        staticSummary: RECONCILIATION_SUMMARY,
      },
    })
    await scheduleReconciliation(client, 7)
    expect((await described()).spec.intervals?.[0]?.every).toBe(420_000)
  })

  it('gives its runs a summary, also one that was made without', async () => {
    const handle = client.schedule.getHandle(RECONCILIATION_SCHEDULE)
    await handle.update(({ action: { staticSummary: _none, ...action }, ...schedule }) => ({
      ...schedule,
      action,
    }))
    await scheduleReconciliation(client, 7)
    expect((await described()).action).toMatchObject({ staticSummary: RECONCILIATION_SUMMARY })
  })

  it('is made when Temporal is back, without stopping anything before', async () => {
    await client.schedule.getHandle(RECONCILIATION_SCHEDULE).delete()
    const create = vi.spyOn(client.schedule, 'create').mockRejectedValueOnce(new Error('away'))
    const keeper = keepReconciliationScheduled(client, 3, silentLogger)
    await vi.waitFor(async () => expect((await described()).spec.intervals?.[0]?.every).toBe(180_000), 15_000)
    expect(create).toHaveBeenCalledTimes(2)
    await keeper.stop()
    create.mockRestore()
  })
})

/** Completes the next workflow that waits in this queue, as its worker would. */
async function completeNext(taskQueue: string): Promise<void> {
  const { namespace } = client.options
  const { taskToken } = await client.withDeadline(Date.now() + 60_000, () =>
    client.workflowService.pollWorkflowTaskQueue({ namespace, taskQueue: { name: taskQueue } }),
  )
  const command = { commandType: CommandType.COMMAND_TYPE_COMPLETE_WORKFLOW_EXECUTION }
  await client.workflowService.respondWorkflowTaskCompleted({
    namespace,
    taskToken,
    commands: [{ ...command, completeWorkflowExecutionCommandAttributes: {} }],
  })
}

describe('workflow states', () => {
  it('are running, completed, closed or missing, also right after the start', async () => {
    const [running, completed, closed, missing] = Array.from({ length: 4 }, () => randomUUID()) as Ids
    // nobody else polls these queues: each stays where it is
    const start = (id: string, taskQueue: string) =>
      client.workflow.start('order', { workflowId: orderWorkflowId(id), taskQueue, args: [] })
    for (const id of [running, closed]) await start(id, 'nobody')
    await client.workflow.getHandle(orderWorkflowId(closed)).terminate()
    await start(completed, `of-${completed}`)
    await completeNext(`of-${completed}`)
    const states = createWorkflowStates(client)
    const expected = new Map([
      [running, 'running'],
      [completed, 'completed'],
      [closed, 'closed'],
      [missing, 'missing'],
    ])
    expect(await states([...expected.keys()])).toEqual(expected)
    await vi.waitFor(
      async () =>
        expect(await client.workflow.count(`WorkflowId = '${orderWorkflowId(running)}'`)).toMatchObject({
          count: 1,
        }),
      10_000,
    )
    expect(await states([...expected.keys()])).toEqual(expected)
    expect(await states([])).toEqual(new Map())
  })

  it('are those of returns, where these are asked for', async () => {
    const [running, missing] = [randomUUID(), randomUUID()]
    const options = { workflowId: returnWorkflowId(running), taskQueue: 'nobody', args: [] }
    await client.workflow.start('return', options)
    expect(await createWorkflowStates(client, returnWorkflowId)([running, missing])).toEqual(
      new Map([
        [running, 'running'],
        [missing, 'missing'],
      ]),
    )
  })

  it('are asked for in batches', async () => {
    const ids = Array.from({ length: 205 }, () => randomUUID())
    const list = vi.spyOn(client.workflow, 'list')
    const states = await createWorkflowStates(client)(ids)
    expect([list.mock.calls.length, new Set(states.values())]).toEqual([3, new Set(['missing'])])
    list.mockRestore()
  })
})
