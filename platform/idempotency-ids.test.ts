import { describe, expect, it } from 'vitest'
import { fingerprintOf, updateIdOf, type Command } from './idempotency.ts'

const base: Command = { caller: 'someone', key: 'k', method: 'POST', route: '/things', body: { a: 1, b: 2 } }

describe('fingerprintOf and updateIdOf', () => {
  it('depend on everything that makes two requests different, and on no order of fields', () => {
    expect(fingerprintOf({ ...base, body: { b: 2, a: 1 } })).toBe(fingerprintOf(base))
    expect(fingerprintOf({ ...base, body: undefined })).toBe(fingerprintOf({ ...base, body: null }))
    const others = [{ caller: 'x' }, { method: 'PUT' }, { route: '/x' }, { body: { a: 1, b: '2' } }]
    const prints = others.map((changes) => fingerprintOf({ ...base, ...changes }))
    expect(new Set([fingerprintOf(base), ...prints]).size).toBe(5)
    const ids = [{}, { caller: 'x' }, { route: '/x' }, { key: 'x' }].map((changes) =>
      updateIdOf({ ...base, ...changes }),
    )
    expect(new Set(ids).size).toBe(4)
  })
})
