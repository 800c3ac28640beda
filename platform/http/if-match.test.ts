import { describe, expect, it } from 'vitest'
import { readIfMatch, versionOf } from './if-match.ts'

const order = { ifMatch: 'order' } as const

describe('readIfMatch', () => {
  it('is the version of the ETag that was given out; any, for * and for no header', () => {
    expect(readIfMatch(order, '"17"')).toBe(17)
    expect(readIfMatch(order, '*')).toBeUndefined()
    expect(readIfMatch(order, undefined)).toBeUndefined()
  })

  it.each(['W/"17"', '17', '"17", "18"', '"a"', '""', '', '"-1"', '"1234567890123456"'])(
    'is stale for %s, which was not given out',
    (header) => {
      expect(() => readIfMatch(order, header)).toThrow(
        expect.objectContaining({ code: 'stale_version', status: 412 }),
      )
    },
  )

  it('is not looked at where nothing has a version', () => {
    expect(readIfMatch({}, '"17"')).toBeUndefined()
    expect(readIfMatch({}, 'nonsense')).toBeUndefined()
  })
})

describe('versionOf', () => {
  it('reads an ETag, and knows what is none', () => {
    expect([versionOf('"3"'), versionOf('W/"3"'), versionOf(null), versionOf(undefined)]).toEqual([
      3,
      undefined,
      undefined,
      undefined,
    ])
  })
})
