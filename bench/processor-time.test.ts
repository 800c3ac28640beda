import { describe, expect, it } from 'vitest'
import {
  add,
  processorTimeByPart,
  processorTimeByThread,
  shares,
  since,
  threadKind,
} from './processor-time.ts'

describe('since', () => {
  it('is the difference by name, with what is new in full', () => {
    const before = new Map([['Node', 2]])
    const after = new Map([
      ['Node', 5],
      ['NATS', 1],
    ])
    expect(Object.fromEntries(since(before, after))).toEqual({ Node: 3, NATS: 1 })
  })

  it('is never negative: a thread that ended takes its time with it', () => {
    expect(since(new Map([['Node', 2]]), new Map([['Node', 1]])).get('Node')).toBe(0)
  })
})

describe('add', () => {
  it('sums by name', () => {
    expect(
      Object.fromEntries(
        add(
          new Map([['Node', 2]]),
          new Map([
            ['Node', 1],
            ['NATS', 4],
          ]),
        ),
      ),
    ).toEqual({
      Node: 3,
      NATS: 4,
    })
  })
})

describe('shares', () => {
  it('are of the whole, the largest first', () => {
    expect(
      shares(
        new Map([
          ['NATS', 1],
          ['Temporal', 3],
        ]),
      ),
    ).toEqual([
      { name: 'Temporal', seconds: 3, share: 0.75 },
      { name: 'NATS', seconds: 1, share: 0.25 },
    ])
  })
})

describe('this process', () => {
  it('has used some time, most of it in Node', () => {
    expect(processorTimeByPart().get('Node')).toBeGreaterThan(0)
    expect(processorTimeByThread().get(threadKind('MainThread'))).toBeGreaterThan(0)
  })
})
