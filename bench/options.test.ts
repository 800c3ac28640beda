import { describe, expect, it } from 'vitest'
import { positiveInteger } from './options.ts'

describe('positiveInteger', () => {
  it('reads a number', () => {
    expect(positiveInteger('--orders', '100')).toBe(100)
  })

  it('names the option that is none', () => {
    for (const text of ['0', '-1', '1.5', 'many', ''])
      expect(() => positiveInteger('--orders', text)).toThrow(
        `--orders must be a number from 1, not "${text}"`,
      )
  })
})
