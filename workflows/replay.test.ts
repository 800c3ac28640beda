import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import pino from 'pino'
import { buildWorkflowBundle } from '#platform/temporal/bundle.ts'
import { installRuntime } from '#platform/temporal/link.ts'
import { readHistories, replay, replayRecorded } from './replay-histories.ts'

beforeAll(() => installRuntime(pino({ level: 'silent' })))

const RECORDED = [
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

describe('recorded histories', () => {
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
    expect(replayed.map(({ name, error }) => [name, error?.message])).toEqual(
      RECORDED.map((name) => [name, undefined]),
    )
  })

  it('do not fit workflows that were changed', async () => {
    const from = fileURLToPath(new URL('./testing/broken.ts', import.meta.url))
    const bundle = await buildWorkflowBundle({ encrypted: false, from })
    const replayed = await Array.fromAsync(replayRecorded(bundle))
    const broken = replayed.filter(({ error }) => error !== undefined).map(({ name }) => name)
    expect(broken).toEqual(RECORDED.filter((name) => !name.endsWith('.encrypted') && name !== 'shipment'))
  })

  it('cannot be read without the key that encrypted them', async () => {
    const encrypted = (await readHistories()).filter((history) => history.encrypted)
    const replayed = await Array.fromAsync(replay(encrypted))
    expect(replayed).toHaveLength(3)
    expect(replayed.every(({ error }) => error !== undefined)).toBe(true)
  })
})
