import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js'
import pino from 'pino'
import { buildWorkflowBundle } from '#platform/temporal/bundle.ts'
import { installRuntime } from '#platform/temporal/link.ts'
import { readHistories, replay, replayRecorded } from './replay-histories.ts'

beforeAll(() => installRuntime(pino({ level: 'silent' })))

/** Runs of the first version, which asked nobody for another card and wrote its questions inside the workflow task. */
const FIRST_VERSION = [
  'cancelled',
  'capture-retried',
  'compensation-retried',
  'declined',
  'declined.encrypted',
  'happy',
  'happy.encrypted',
  'out-of-stock',
  'running',
  'shipment',
  'shipment.encrypted',
  'split',
]

/** `-before` is the run that one continues. */
const SINCE = [
  '3ds',
  '3ds-expired',
  'amended',
  'amended-before',
  'amended-stock-first',
  'amended-undone',
  'attention',
  'backorder',
  'backorder-continued',
  'backorder-continued-before',
  'backorder-expired',
  'cancel-behind-a-question',
  'cancel-confirmed',
  'cancel-confirmed-before',
  'cancel-everything',
  'cancel-everything-shipment',
  'cancel-everything-shipment-2',
  'cancel-late',
  'cancel-late-shipment',
  'cancel-late-shipment-2',
  'cancel-late-shipping',
  'cancel-once-accepted',
  'capture-resolved',
  'joined',
  'joined-shipment',
  'lost',
  'lost-resolved',
  'lost-shipment',
  'new-card',
  'once-accepted',
  'once-accepted-return',
  'overdue-shipment',
  'parts-reconciliation',
  'reconciliation',
  'reset-and-cancelled',
  'reshipped',
  'reshipped-shipment',
  'reshipped-shipment-2',
  'return-attention-return',
  'return-resolved-return',
  'return-on-approval-return',
  'returned',
  'returned-return',
  'shortage',
  'shortage-cancelled',
  'shortage-expired',
  'told-of-end',
  'unknown-payment',
]

const RECORDED = [...FIRST_VERSION, ...SINCE].toSorted((one, other) => one.localeCompare(other))

describe('recorded histories', { timeout: 120_000 }, () => {
  it('are all there, the running one without an end', async () => {
    const histories = await readHistories()
    expect(histories.map(({ name }) => name)).toEqual(RECORDED)
    const running = histories.find(({ name }) => name === 'running')
    expect(
      running?.history.events?.some((event) => event.workflowExecutionCompletedEventAttributes != null),
    ).toBe(false)
  })

  it('fit today’s workflows, with the production bundle, interceptors and codec', async () => {
    const replayed = await Array.fromAsync(replayRecorded())
    const byName = replayed.map(({ name, error }) => [name, error?.message])
    expect(Object.fromEntries(byName)).toEqual(Object.fromEntries(RECORDED.map((name) => [name, undefined])))
    expect(replayed).toHaveLength(RECORDED.length)
  })

  it('are of both versions: the first has no mark of the second, which wrote its questions otherwise', async () => {
    const marked = (await readHistories())
      .filter(({ history }) => JSON.stringify(historyToJSON(history)).includes('TemporalChangeVersion'))
      .map(({ name }) => name)
    expect(marked.filter((name) => FIRST_VERSION.includes(name))).toEqual([])
    expect(marked).toEqual(expect.arrayContaining(['attention', 'cancel-late']))
    // the same path in the first version: an operator was asked there too
    expect(FIRST_VERSION).toContain('capture-retried')
  })

  it('have gone the new way of every patch', async () => {
    const folder = path.join(import.meta.dirname, '..')
    const sources = (await readdir(folder)).filter((file) => /(?<!\.test)\.ts$/.test(file))
    const code = await Promise.all(sources.map((file) => readFile(path.join(folder, file), 'utf8')))
    const patches = code.flatMap((text) => [...text.matchAll(/patched\('([^']+)'\)/g)].map(([, id]) => id))
    const gone = (await readHistories()).flatMap(({ history }) =>
      (history.events ?? []).flatMap(({ markerRecordedEventAttributes: marker }) => {
        const data = marker?.markerName === 'core_patch' ? marker.details?.['patch-data'] : undefined
        return (data?.payloads ?? []).map((payload) => JSON.parse(Buffer.from(payload.data!).toString()).id)
      }),
    )
    expect(new Set(gone)).toEqual(new Set(patches))
    expect(patches.length).toBeGreaterThan(0)
  })

  it('do not fit workflows that were changed', async () => {
    const from = fileURLToPath(new URL('../testing/broken.ts', import.meta.url))
    const bundle = await buildWorkflowBundle({ encrypted: false, from })
    const replayed = await Array.fromAsync(replayRecorded(bundle))
    const broken = replayed.filter(({ error }) => error !== undefined).map(({ name }) => name)
    const orders = (await readHistories()).filter(({ workflowId }) => workflowId.startsWith('order-'))
    expect(broken).toEqual(orders.filter(({ encrypted }) => !encrypted).map(({ name }) => name))
  })

  it('cannot be read without the key that encrypted them', async () => {
    const encrypted = (await readHistories()).filter((history) => history.encrypted)
    const replayed = await Array.fromAsync(replay(encrypted))
    expect(replayed).toHaveLength(3)
    expect(replayed.every(({ error }) => error !== undefined)).toBe(true)
  })
})
