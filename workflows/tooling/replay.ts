/** `npm run replay`: replays the recorded histories, or runs of a live server, against today's code. */
import { Client, Connection } from '@temporalio/client'
import pino from 'pino'
import { parseCommandLine } from '#platform/command-line.ts'
import { createDataConverter } from '#platform/temporal/data-converter.ts'
import { installRuntime } from '#platform/temporal/link.ts'
import { replay, replayRecorded, type Replayed } from './replay-histories.ts'

const USAGE = `npm run replay -- [--live] [--query Q] [--limit N]

Replays the recorded histories in workflows/histories against today's workflow code, with the production bundle,
interceptors and codec. Ends with 1 when one does not fit, or when there was none.

  --live      replay runs of a live server instead (TEMPORAL_ADDRESS or the local TEMPORAL_PORT,
              TEMPORAL_NAMESPACE, PAYLOAD_KEYS)
  --query Q   which runs, as a visibility query, e.g. 'OrderStatus = "completed"' [the platform's workflows]
  --limit N   how many at the most [100]`

const PLATFORM = 'WorkflowType IN ("order", "shipment", "return", "reconciliation")'

const { values } = parseCommandLine(USAGE, {
  options: {
    live: { type: 'boolean', default: false },
    query: { type: 'string', default: PLATFORM },
    limit: { type: 'string', default: '100' },
    help: { type: 'boolean' },
  },
})

const print = (line: string): void => void process.stdout.write(`${line}\n`)

if (values.help === true) print(USAGE)
else {
  try {
    installRuntime(pino({ level: 'silent' }))
    await report(values.live ? replayLive() : replayRecorded())
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
  process.exit() // Temporal's native core would keep the process alive
}

async function report(results: AsyncIterable<Replayed & { name?: string }>): Promise<void> {
  let fits = 0
  let broken = 0
  for await (const { name, workflowId, error } of results) {
    if (error === undefined) fits += 1
    else broken += 1
    print(
      `${error === undefined ? 'fits  ' : 'BROKEN'}  ${name ?? workflowId}${error === undefined ? '' : `: ${error.message}`}`,
    )
  }
  print(`${fits + broken} replayed, ${broken} broken`)
  if (fits + broken === 0) print('Nothing was replayed: that proves nothing.')
  if (broken > 0 || fits === 0) process.exitCode = 1
}

/** Fetches runs of a live server and replays them; nothing is changed there. */
async function* replayLive(): AsyncGenerator<Replayed> {
  const limit = Number(values.limit)
  if (!Number.isInteger(limit) || limit < 1) throw new Error('--limit takes a whole number from 1')
  const address = process.env['TEMPORAL_ADDRESS'] ?? `127.0.0.1:${process.env['TEMPORAL_PORT'] ?? 7233}`
  const namespace = process.env['TEMPORAL_NAMESPACE'] ?? 'default'
  const payloadKeys = process.env['PAYLOAD_KEYS']
  const connection = await Connection.connect({ address }).catch((cause: unknown) => {
    throw new Error(`No Temporal server answers at ${address}: TEMPORAL_ADDRESS says where it is.`, { cause })
  })
  try {
    const client = new Client({ connection, namespace, dataConverter: createDataConverter(payloadKeys) })
    yield* replay(histories(client, limit), { payloadKeys })
  } finally {
    await connection.close()
  }
}

async function* histories(client: Client, limit: number) {
  let count = 0
  for await (const { workflowId, runId } of client.workflow.list({ query: values.query })) {
    if (count === limit) return
    count += 1
    yield { workflowId, history: await client.workflow.getHandle(workflowId, runId).fetchHistory() }
  }
}
