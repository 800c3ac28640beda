import { describe, expect, test } from 'vitest'
import { nextPause } from './schedule.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const least = (): number => 0

describe('nextPause', () => {
  test.each([
    [0, 5_000],
    [4_999, 5_000],
    [MINUTE, MINUTE],
    [3 * HOUR, 3 * HOUR],
    [DAY, 12 * HOUR],
  ])('after %i ms is %i ms', (ageMs, pause) => expect(nextPause({ ageMs, deliveries: 1 }, least)).toBe(pause))

  test('is up to a fifth longer', () =>
    expect(nextPause({ ageMs: HOUR, deliveries: 1 }, () => 1)).toBe(1.2 * HOUR))

  test('ends after three days, but not before five deliveries', () => {
    expect(nextPause({ ageMs: 3 * DAY, deliveries: 4 }, least)).toBe(12 * HOUR)
    expect(nextPause({ ageMs: 3 * DAY - 1, deliveries: 50 }, least)).toBe(12 * HOUR)
    expect(nextPause({ ageMs: 3 * DAY, deliveries: 5 }, least)).toBeUndefined()
  })

  test('tries about twenty times in three days', () => {
    let [ageMs, deliveries] = [0, 1]
    for (let pause = nextPause({ ageMs, deliveries }, least); pause !== undefined; deliveries++) {
      ageMs += pause
      pause = nextPause({ ageMs, deliveries: deliveries + 1 }, least)
    }
    expect(deliveries).toBe(21)
  })
})
