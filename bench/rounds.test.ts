import { describe, expect, it } from 'vitest'
import { medianRates, ratesOf, ratesTable } from './rounds.ts'

const round = (secondsToConfirmed: number, bareSeconds: number) =>
  ratesOf({
    count: 60,
    secondsToConfirmed,
    secondsToCompleted: 20,
    bareSeconds,
    skeletonSeconds: 2 * bareSeconds,
  })

describe('ratesOf', () => {
  it('divides by the time each took', () => {
    expect(round(10, 5)).toEqual({
      confirmed: 6,
      completed: 3,
      bare: 12,
      skeleton: 6,
      ratio: 0.5,
      skeletonRatio: 1,
    })
  })
})

describe('medianRates', () => {
  it('takes the ratio’s median from the rounds, whose halves ran beside each other', () => {
    const rates = [round(10, 5), round(20, 4), round(5, 3)]
    expect(rates.map(({ ratio }) => ratio)).toEqual([0.5, 0.2, 0.6])
    expect(medianRates(rates)).toEqual({
      confirmed: 6,
      completed: 3,
      bare: 15,
      skeleton: 7.5,
      ratio: 0.5,
      skeletonRatio: 1,
    })
  })
})

describe('ratesTable', () => {
  it('ends with the median', () => {
    expect(ratesTable([round(10, 5), round(10, 5)])).toEqual([
      ['round 1', '6.0', '3.0', '12.0', '6.0', '0.50', '1.00'],
      ['round 2', '6.0', '3.0', '12.0', '6.0', '0.50', '1.00'],
      ['median', '6.0', '3.0', '12.0', '6.0', '0.50', '1.00'],
    ])
  })
})
