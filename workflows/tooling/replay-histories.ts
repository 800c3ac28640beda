/** Replays histories with what production runs: the bundle, the interceptors, the converter and the codec. */
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { HistoryAndWorkflowId } from '@temporalio/client'
import { historyFromJSON } from '@temporalio/common/lib/proto-utils.js'
import { Worker, type WorkflowBundleOption } from '@temporalio/worker'
import Type from 'typebox'
import { workflowBundle } from '#platform/temporal/bundle.ts'
import { createDataConverter } from '#platform/temporal/data-converter.ts'
import { parser } from '#platform/validation.ts'

/** Where recorded histories lie: `<name>.json`, those of encrypted runs `<name>.encrypted.json`. */
export const HISTORIES = path.join(import.meta.dirname, '../histories')

/** Encrypts nothing but recorded test data. */
export const RECORDING_KEY = `recording=${Buffer.alloc(32, 'mainstay').toString('base64')}`

export interface RecordedHistory {
  workflowId: string
  history: ReturnType<typeof historyFromJSON>
  /** The file's name without its ending. */
  name: string
  encrypted: boolean
}

export interface Replayed {
  workflowId: string
  runId: string
  /** Why the code does not fit the history any more; undefined when it does. */
  error: Error | undefined
}

const parseFile = parser(
  'a recorded history',
  Type.Object({ workflowId: Type.String(), history: Type.Unknown() }),
)

export async function readHistories(folder = HISTORIES): Promise<RecordedHistory[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.json'))
  const recorded = await Promise.all(
    files.map(async (file) => {
      const { workflowId, history } = parseFile(JSON.parse(await readFile(path.join(folder, file), 'utf8')))
      const name = path.basename(file, '.json')
      return { name, workflowId, history: historyFromJSON(history), encrypted: name.endsWith('.encrypted') }
    }),
  )
  return recorded.toSorted((one, other) => one.name.localeCompare(other.name))
}

export interface ReplayOptions {
  /** Keys of the codec, as in PAYLOAD_KEYS. */
  payloadKeys?: string | undefined
  /** Another bundle than the production one, for tests that break it. */
  bundle?: WorkflowBundleOption
}

/** Replays one after the other. `runReplayHistories` does not throw on a mismatch: each result says whether it fits. */
export async function* replay(
  histories: AsyncIterable<HistoryAndWorkflowId> | Iterable<HistoryAndWorkflowId>,
  { payloadKeys, bundle }: ReplayOptions = {},
): AsyncGenerator<Replayed> {
  const options = {
    workflowBundle: bundle ?? (await workflowBundle(payloadKeys !== undefined, undefined)),
    dataConverter: createDataConverter(payloadKeys),
  }
  for await (const { workflowId, runId, error } of Worker.runReplayHistories(options, histories)) {
    yield { workflowId, runId, error }
  }
}

/** Replays everything that was recorded, encrypted runs with the codec. */
export async function* replayRecorded(
  bundle?: WorkflowBundleOption,
): AsyncGenerator<Replayed & { name: string }> {
  const recorded = await readHistories()
  const names = new Map(recorded.map(({ name, history }) => [runIdOf(history), name]))
  const plain = recorded.filter(({ encrypted }) => !encrypted)
  const encrypted = recorded.filter((history) => history.encrypted)
  // one worker for each codec: making one takes longer than replaying a history
  for await (const replayed of replay(plain, bundle === undefined ? {} : { bundle })) yield named(replayed)
  for await (const replayed of replay(encrypted, { payloadKeys: RECORDING_KEY })) yield named(replayed)

  function named(replayed: Replayed): Replayed & { name: string } {
    return { ...replayed, name: names.get(replayed.runId) ?? replayed.workflowId }
  }
}

const runIdOf = ({ events }: RecordedHistory['history']): string =>
  events?.[0]?.workflowExecutionStartedEventAttributes?.originalExecutionRunId ?? ''
