import { describe, expect, it } from 'vitest'
import { readIdempotencyKey } from './idempotency-key.ts'

const code = (expected: string): unknown => expect.objectContaining({ code: expected, status: 400 })

describe('readIdempotencyKey', () => {
  it('is not looked at where the route says nothing', () => {
    expect(readIdempotencyKey({}, 'a-key')).toBeUndefined()
    expect(readIdempotencyKey({}, '\u0000')).toBeUndefined()
  })

  it('is required, optional or refused, as the route says', () => {
    expect(readIdempotencyKey({ idempotency: 'required' }, 'a-key')).toBe('a-key')
    expect(readIdempotencyKey({ idempotency: 'optional' }, 'a-key')).toBe('a-key')
    expect(readIdempotencyKey({ idempotency: 'optional' }, undefined)).toBeUndefined()
    expect(readIdempotencyKey({ idempotency: 'refused' }, undefined)).toBeUndefined()
    expect(() => readIdempotencyKey({ idempotency: 'required' }, undefined)).toThrow(
      code('idempotency_key_missing'),
    )
    expect(() => readIdempotencyKey({ idempotency: 'refused' }, 'a-key')).toThrow(
      code('idempotency_key_refused'),
    )
  })

  it('has 1 to 255 printable characters', () => {
    const read = (key: string | string[]) => () => readIdempotencyKey({ idempotency: 'optional' }, key)
    expect(read('x'.repeat(255))()).toHaveLength(255)
    expect(read(' ~')()).toBe(' ~')
    for (const key of ['', 'x'.repeat(256), 'tab\there', 'ключ', 'nul\u0000']) {
      expect(read(key)).toThrow(code('idempotency_key_invalid'))
    }
  })
})
