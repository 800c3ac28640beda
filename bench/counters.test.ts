import { describe, expect, it } from 'vitest'
import { countsPerOrder, type Counts } from './counters.ts'

const counts = (commits: number, messages: number): Counts =>
  new Map([
    ['commits in orders', commits],
    ['messages', messages],
  ])

describe('countsPerOrder', () => {
  it('takes off what an idle interval of the same length counts', () => {
    const idle = { seconds: 10, before: counts(0, 5), after: counts(200, 5) }
    const busy = { seconds: 20, before: counts(1_000, 5), after: counts(2_000, 85) }
    expect(Object.fromEntries(countsPerOrder(busy, idle, 10))).toEqual({
      'commits in orders': 60,
      messages: 8,
    })
  })

  it('counts from zero what was not counted before', () => {
    const idle = { seconds: 10, before: new Map(), after: new Map() }
    const busy = { seconds: 10, before: new Map(), after: new Map([['requests to carrier', 20]]) }
    expect(countsPerOrder(busy, idle, 10).get('requests to carrier')).toBe(2)
  })
})
