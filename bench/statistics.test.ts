import { describe, expect, it } from 'vitest'
import { mean, median, percentile } from './statistics.ts'

const oneToHundred = Array.from({ length: 100 }, (_, index) => 100 - index)

describe('percentile', () => {
  it('is the value of the nearest rank, whatever the order', () => {
    expect(percentile(oneToHundred, 0.5)).toBe(50)
    expect(percentile(oneToHundred, 0.99)).toBe(99)
    expect(percentile(oneToHundred, 0.991)).toBe(100)
  })

  it('is the smallest value for 0 and the largest for 1', () => {
    expect(percentile(oneToHundred, 0)).toBe(1)
    expect(percentile(oneToHundred, 1)).toBe(100)
  })

  it('sorts numbers as numbers and leaves its input alone', () => {
    const values = [10, 9, 100]
    expect(percentile(values, 0.99)).toBe(100)
    expect(values).toEqual([10, 9, 100])
  })

  it('is not a number when nothing was measured', () => {
    expect(percentile([], 0.5)).toBeNaN()
  })
})

describe('median', () => {
  it('is the middle value', () => {
    expect(median([3, 1, 2])).toBe(2)
  })

  it('is the mean of the middle two', () => {
    expect(median([4, 1, 2, 10])).toBe(3)
  })

  it('is not a number when nothing was measured', () => {
    expect(median([])).toBeNaN()
  })
})

describe('mean', () => {
  it('is the sum divided by the count', () => {
    expect(mean([1, 2, 6])).toBe(3)
  })
})
