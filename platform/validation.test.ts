import Type from 'typebox'
import { describe, expect, it } from 'vitest'
import { Closed, Timestamp } from '#contracts/schemas.ts'
import { compileConverting, compileLiteral, fieldErrors, parser, ValidationError } from './validation.ts'

const schema = Closed({
  sku: Type.String(),
  quantity: Type.Integer({ minimum: 1 }),
  lines: Type.Optional(Type.Array(Closed({ colour: Type.Enum(['red', 'blue']) }))),
})

const errorsOf = (value: unknown) => {
  const validate = compileLiteral(schema)
  return validate(value) ? [] : fieldErrors(validate.errors)
}

describe('fieldErrors', () => {
  it('names a missing field', () => {
    expect(errorsOf({ quantity: 1 })).toEqual([{ path: 'sku', message: 'is required' }])
  })

  it('names an unknown field, also inside', () => {
    expect(errorsOf({ sku: 'A', quantity: 1, extra: true })).toEqual([
      { path: 'extra', message: 'is not a known field' },
    ])
    expect(errorsOf({ sku: 'A', quantity: 1, lines: [{ colour: 'red', size: 1 }] })).toEqual([
      { path: 'lines/0/size', message: 'is not a known field' },
    ])
  })

  it('names the values that are allowed', () => {
    expect(errorsOf({ sku: 'A', quantity: 1, lines: [{ colour: 'green' }] })).toEqual([
      { path: 'lines/0/colour', message: 'must be one of red, blue' },
    ])
  })

  it('reports all of them, twenty at the most', () => {
    expect(errorsOf({}).map(({ path }) => path)).toEqual(['sku', 'quantity'])
    const lines = Array.from({ length: 40 }, () => ({ colour: 'green' }))
    expect(errorsOf({ sku: 'A', quantity: 1, lines })).toHaveLength(20)
  })
})

describe('compileLiteral and compileConverting', () => {
  it('take a body as it is and convert text', () => {
    expect(errorsOf({ sku: 'A', quantity: '1' })).toEqual([{ path: 'quantity', message: 'must be integer' }])
    const query = { sku: 'A', quantity: '1' }
    expect(compileConverting(schema)(query)).toBe(true)
    expect(query).toEqual({ sku: 'A', quantity: 1 })
  })
})

describe('parser', () => {
  const parse = parser('the answer', schema)

  it('gives back what is valid', () => {
    expect(parse({ sku: 'A', quantity: 2 })).toEqual({ sku: 'A', quantity: 2 })
  })

  it('says what was wrong with what', () => {
    expect(() => parse({ sku: 1, quantity: 0 })).toThrow(
      new ValidationError('the answer', [
        { path: 'sku', message: 'must be string' },
        { path: 'quantity', message: 'must be >= 1' },
      ]),
    )
  })
})

describe('Timestamp', () => {
  const valid = compileLiteral(Timestamp)

  it.each(['2026-11-23T15:00:00Z', '2026-11-23T15:00:00.123Z', '9999-12-31T23:59:59Z'])(
    'takes %s',
    (text) => {
      expect(valid(text)).toBe(true)
    },
  )

  it.each([
    '0000-01-01T00:00:00Z',
    '2026-02-30T00:00:00Z',
    '2026-11-23T23:59:60Z',
    '2026-11-23T15:00:00+20:00',
    '2026-11-23 15:00:00Z',
    'yesterday',
  ])('refuses %s, which PostgreSQL or JavaScript cannot hold', (text) => {
    expect(valid(text)).toBe(false)
  })
})
