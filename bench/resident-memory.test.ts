import { describe, expect, it } from 'vitest'
import { readTreeMemory, size, sumByPart, sumOf } from './resident-memory.ts'

describe('sumByPart', () => {
  it('sums the processes of a part and puts the largest part first', () => {
    expect(
      sumByPart([
        { part: 'PostgreSQL', resident: 30, proportional: 10 },
        { part: 'Node', resident: 100, proportional: 90 },
        { part: 'PostgreSQL', resident: 40, proportional: 12 },
      ]),
    ).toEqual([
      { part: 'Node', processes: 1, resident: 100, proportional: 90 },
      { part: 'PostgreSQL', processes: 2, resident: 70, proportional: 22 },
    ])
  })
})

describe('sumOf', () => {
  it('has no proportional size when one process does not tell its own', () => {
    const sum = sumOf([
      { resident: 5, proportional: 3 },
      { resident: 7, proportional: undefined },
    ])
    expect(sum).toEqual({ resident: 12, proportional: undefined })
    expect(size(sum)).toBe(12)
  })
})

describe('readTreeMemory', () => {
  it('counts this process as Node', () => {
    const own = readTreeMemory(process.pid).find(({ part }) => part === 'Node')
    expect(own?.resident).toBeGreaterThan(0)
  })
})
