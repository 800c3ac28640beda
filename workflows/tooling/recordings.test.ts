import { execFile } from 'node:child_process'
import path from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import type { Group } from './record-moves.ts'
import { GROUPS } from './record-scenarios.ts'
import { historyName, storiesOf, storiesToPlay } from './recordings.ts'
import { readHistories } from './replay-histories.ts'

const run = promisify(execFile)

const group: Group = {
  settings: {},
  recordings: {
    late: { keeps: ['shipment'], play: () => Promise.resolve() },
    'late-again': { keeps: ['order', 'return'], play: () => Promise.resolve() },
    reconciliation: { keeps: ['reconciliation'], play: () => Promise.resolve() },
  },
}

describe('recording histories', () => {
  it('plays no story whose histories are kept, unless it is named', async () => {
    const there = new Set((await readHistories()).map(({ name }) => name))
    expect(GROUPS.flatMap((each) => storiesToPlay(each, [], there))).toEqual([])
    expect(GROUPS.flatMap((each) => storiesToPlay(each, ['overdue', 'lost'], there))).toEqual([
      'lost',
      'overdue',
    ])
  })

  it('plays a story of which nothing is kept, also where a longer name is', () => {
    expect(storiesToPlay(group, [], new Set(['late-again', 'reconciliation']))).toEqual(['late'])
    expect(storiesToPlay(group, [], new Set(['late-again-return']))).toEqual(['late', 'reconciliation'])
    expect(storiesToPlay(group, [], new Set(['late-shipment']))).toEqual(['late-again', 'reconciliation'])
  })

  it('names a history after its story, whose it is and which of several', () => {
    expect(historyName('lost', 'order')).toBe('lost')
    expect(historyName('lost', 'shipment', 1)).toBe('lost-shipment-2')
    expect(historyName('reconciliation', 'reconciliation')).toBe('reconciliation')
  })

  it('says which stories there are when it is given another, and plays nothing', async () => {
    const record = (...words: string[]) =>
      run(process.execPath, [path.join(import.meta.dirname, 'record.ts'), ...words])
    const refused = await record('lost', 'overdu').catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('overdu') })
    for (const name of storiesOf(GROUPS)) {
      expect(refused).toMatchObject({ stderr: expect.stringContaining(name) })
    }
    expect((await record('--help')).stdout).toContain('npm run histories:record -- [NAME…]')
    await expect(record('--all')).rejects.toMatchObject({ code: 2 })
  }, 30_000)
})
