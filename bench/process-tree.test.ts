import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import {
  parseMemory,
  parseStat,
  partOf,
  programOf,
  readMemory,
  readOwnThreads,
  readProcesses,
  treeBelow,
  type ProcessStat,
} from './process-tree.ts'

const stat = (pid: number, parent: number, command = 'x'): ProcessStat => ({
  pid,
  parent,
  command,
  processorSeconds: 0,
})

describe('parseStat', () => {
  it('reads pid, parent, command and processor time', () => {
    const line =
      '9497 (postgres) S 9457 9497 9497 0 -1 4194560 4900 56183 0 6 150 25 214 188 20 0 1 0 521646 1'
    expect(parseStat(line)).toEqual({
      pid: 9497,
      parent: 9457,
      command: 'postgres',
      processorSeconds: 1.75,
    })
  })

  it('counts the fields from the last parenthesis', () => {
    const line = '7 (a) b (c)) R 3 7 7 0 -1 0 0 0 0 0 100 0 0 0 20 0 1 0 1 1'
    expect(parseStat(line)).toMatchObject({ pid: 7, parent: 3, command: 'a) b (c)', processorSeconds: 1 })
  })

  it('knows nothing of a line of another kind', () => {
    expect(parseStat('')).toBeUndefined()
  })
})

describe('treeBelow', () => {
  const all = [stat(1, 0), stat(10, 1), stat(11, 10), stat(12, 11), stat(13, 10), stat(20, 1), stat(9, 12)]

  it('finds the process, its children and theirs, whatever their numbers', () => {
    expect(
      treeBelow(10, all)
        .map(({ pid }) => pid)
        .sort((a, b) => a - b),
    ).toEqual([9, 10, 11, 12, 13])
  })

  it('is empty when the process is gone', () => {
    expect(treeBelow(99, all)).toEqual([])
  })
})

describe('parseMemory', () => {
  it('reads the resident and the proportional size', () => {
    const text =
      '55c637600000-7ffeab954000 ---p 00000000 00:00 0   [rollup]\nRss:  26164 kB\nPss:   9383 kB\nPss_Dirty:   8602 kB\n'
    expect(parseMemory(text)).toEqual({ resident: 26164 * 1024, proportional: 9383 * 1024 })
  })

  it('has no proportional size where only the status can be read', () => {
    const text = 'Name:\tnode\nVmHWM:\t    9000 kB\nVmRSS:\t    1000 kB\n'
    expect(parseMemory(text)).toEqual({ resident: 1000 * 1024, proportional: undefined })
  })
})

describe('partOf', () => {
  it('names the servers and leaves other programs their name', () => {
    expect(['postgres', 'temporal', 'nats-server', 'node', 'node24', 'sh'].map(partOf)).toEqual([
      'PostgreSQL',
      'Temporal',
      'NATS',
      'Node',
      'Node',
      'sh',
    ])
  })
})

describe('this machine', () => {
  it('shows this process, its parent, its memory and its program', () => {
    const own = readProcesses().find(({ pid }) => pid === process.pid)
    expect(own?.parent).toBe(process.ppid)
    expect(partOf(programOf({ pid: process.pid, command: '' }))).toBe('Node')
    expect(readMemory(process.pid)?.resident).toBeGreaterThan(1024 * 1024)
  })

  it('shows the main thread among the threads', () => {
    expect(readOwnThreads().map(({ pid }) => pid)).toContain(process.pid)
    expect(readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8')).toMatch(/^\d+ \(/)
  })

  it('has no memory of a process that does not exist', () => {
    expect(readMemory(2 ** 30)).toBeUndefined()
  })
})
