import { expect, test } from 'vitest'
import { deadline } from './deadline.ts'

test('a deadline is a moment in UTC, wherever the process runs, and never later than it is', () => {
  expect(deadline('2026-11-25T22:01:59.999Z')).toBe('25 November 2026 at 22:01 UTC')
  expect(deadline('2026-12-01T00:30:00+01:00')).toBe('30 November 2026 at 23:30 UTC')
})
