/** `npm run histories:record`: plays stories on stacks of its own and keeps the histories of their workflows. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client, Connection } from '@temporalio/client'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import { returnWorkflowId } from '#contracts/return-workflow.ts'
import { orderWorkflowId, RECONCILIATION_WORKFLOW, shipmentWorkflowId } from '#contracts/workflows.ts'
import { parseCommandLine, rejectCommandLine } from '#platform/command-line.ts'
import { openStage, type Stage } from '#stack/demo/stage.ts'
import { freePorts } from '#stack/ports.ts'
import { createProgress } from '#stack/progress.ts'
import { startStack } from '#stack/stack.ts'
import type { Group, Recording } from './record-moves.ts'
import { GROUPS } from './record-scenarios.ts'
import { historyName, storiesOf, storiesToPlay, unknownStories } from './recordings.ts'
import { HISTORIES } from './replay-histories.ts'

const USAGE = `npm run histories:record -- [NAME…]

Plays the stories of workflows/tooling/record-scenarios.ts on stacks of its own and keeps the histories of their workflows in
workflows/histories. Without a name: those of which nothing is kept.

A history that is there says how runs of older code look, and stays as it is unless its story is named. Never record
one anew to make a failing replay pass; only when it is meant that no run like it can be under way any more.

  NAME    one of: ${storiesOf(GROUPS).join(', ')}`

const SETTINGS = {
  SAGA_STEP_ATTEMPTS: '3',
  SAGA_COMPENSATION_ATTEMPTS: '2',
  SAGA_MAXIMUM_INTERVAL_SECONDS: '1',
  CARRIER_DISPATCH_MS: '300',
  CARRIER_DELIVERY_MS: '300',
  PROVIDER_SLOW_MS: '1500',
  LIMIT_ORDERS_PER_MINUTE: '100000',
  LIMIT_USERS_PER_MINUTE: '100000',
}

const { values, positionals: named } = parseCommandLine(USAGE, {
  allowPositionals: true,
  options: { help: { type: 'boolean' } },
})
const print = (line: string): void => void process.stdout.write(`${line}\n`)
if (values.help === true) {
  print(USAGE)
  process.exit(0)
}
const unknown = unknownStories(GROUPS, named)
if (unknown.length > 0) rejectCommandLine(USAGE, `There is no story ${unknown.join(', ')}.`)

const progress = createProgress(print)

async function record({ settings, recordings }: Group, names: readonly string[]): Promise<void> {
  if (names.length === 0) return
  const dataFolder = await mkdtemp(path.join(tmpdir(), 'mainstay-record-'))
  const stack = await startStack({
    dataFolder,
    ports: await freePorts(),
    settings: { ...SETTINGS, ...settings },
    survivesPowerFailure: false,
  })
  const connection = await Connection.connect({ address: stack.infrastructure.temporalAddress })
  const client = new Client({ connection })
  try {
    for (const name of names) {
      const recording = recordings[name]
      if (recording === undefined) continue
      const stage = await openStage({ ports: stack.ports, print })
      await recording.play(stage, client)
      await stage.close()
      await keepAll(client, name, recording, stage)
      progress(`recorded ${name}`)
    }
  } finally {
    await connection.close()
    await stack.stop()
    await rm(dataFolder, { recursive: true, force: true })
  }
}

async function keepAll(client: Client, name: string, { keeps }: Recording, stage: Stage): Promise<void> {
  const orders = await Promise.all(stage.orders.map(({ id }) => stage.operator.readOrder(id)))
  const workflows = {
    order: orders.map(({ id }) => orderWorkflowId(id)),
    shipment: orders.flatMap(({ shipments }) => shipments.map(({ id }) => shipmentWorkflowId(id))),
    return: orders.flatMap(({ returns }) => returns.map(({ id }) => returnWorkflowId(id))),
    reconciliation: keeps.includes('reconciliation') ? [await reconcile(client)] : [],
  }
  for (const kind of keeps) {
    for (const [index, workflowId] of workflows[kind].entries()) {
      await keep(client, historyName(name, kind, index), workflowId)
    }
  }
}

/** Runs the schedule's workflow now. */
async function reconcile(client: Client): Promise<string> {
  const schedule = client.schedule.getHandle(RECONCILIATION_WORKFLOW)
  await schedule.trigger()
  for (;;) {
    const { info } = await schedule.describe()
    const [last] = info.recentActions.slice(-1)
    if (last !== undefined) {
      const { workflowId } = last.action.workflow
      await client.workflow.getHandle(workflowId).result()
      return workflowId
    }
    await sleep(500)
  }
}

/** Keeps the history of a workflow's last run, and of the one that it continues. */
async function keep(client: Client, name: string, workflowId: string): Promise<void> {
  const last = client.workflow.getHandle(workflowId)
  const history = await last.fetchHistory()
  await write(name, workflowId, history)
  const [started] = history.events ?? []
  const before = started?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId
  if (!before) return
  const earlier = await client.workflow.getHandle(workflowId, before).fetchHistory()
  await write(`${name}-before`, workflowId, earlier)
}

type History = Parameters<typeof historyToJSON>[0]

async function write(name: string, workflowId: string, history: History): Promise<void> {
  for (const event of history.events ?? []) scrubIdentity(event)
  const events: unknown = JSON.parse(historyToJSON(history))
  const text = JSON.stringify({ workflowId, history: events }, null, 1)
  // stack traces name files; where the repository lies says nothing about the workflow
  const placeless = text.replaceAll(path.resolve(import.meta.dirname, '../..'), '')
  // a file that nobody meant to replace fails the recording
  const flag = named.length === 0 ? 'wx' : 'w'
  await writeFile(path.join(HISTORIES, `${name}.json`), `${placeless}\n`, { flag })
}

/** Who polled (process and machine) says nothing about the workflow. */
function scrubIdentity(part: unknown): void {
  if (part === null || typeof part !== 'object' || ArrayBuffer.isView(part)) return
  if ('identity' in part && typeof part.identity === 'string') part.identity = 'recorded'
  for (const inner of Object.values(part)) scrubIdentity(inner)
}

await mkdir(HISTORIES, { recursive: true })
const there = new Set((await readdir(HISTORIES)).map((file) => path.basename(file, '.json')))
for (const group of GROUPS) await record(group, storiesToPlay(group, named, there))
process.exit(0)
