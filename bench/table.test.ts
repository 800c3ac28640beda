import { describe, expect, it } from 'vitest'
import { formatFigure, formatTable } from './table.ts'

describe('formatTable', () => {
  it('makes columns as wide as their widest cell and figures right-aligned', () => {
    expect(
      formatTable(
        ['process', 'MiB'],
        [
          ['node', 340],
          ['PostgreSQL', 96.25],
        ],
      ),
    ).toEqual(['process      MiB', '──────────  ────', 'node         340', 'PostgreSQL  96.3'])
  })
})

describe('formatFigure', () => {
  it('shows as many decimals as a figure of that size needs', () => {
    expect([0.512, 12.34, 1234.5, 7].map(formatFigure)).toEqual(['0.51', '12.3', '1235', '7'])
  })

  it('shows a dash for what was not measured', () => {
    expect([Number.NaN, Number.POSITIVE_INFINITY].map(formatFigure)).toEqual(['–', '–'])
  })
})
