import { describe, expect, test } from 'vitest'
import { decodeCursor, encodeCursor, NewestFirst, toPage } from './keyset.ts'

const KEY = ['2026-11-23T10:00:00.123Z', '0198a000-0000-4000-8000-000000000001']

describe('decodeCursor', () => {
  test('gives back what encodeCursor took', () => {
    expect(decodeCursor(NewestFirst, encodeCursor(KEY))).toEqual(KEY)
  })

  test('no cursor is the first page', () => {
    expect(decodeCursor(NewestFirst, undefined)).toBeUndefined()
  })

  test.each([
    ['what is no base64url', '%%%'],
    ['what is no JSON', Buffer.from('[').toString('base64url')],
    ['the key of another list', encodeCursor(['TEE-BLACK-M'])],
    ['a key with too many parts', encodeCursor([...KEY, 'more'])],
    ['a key with too few parts', encodeCursor(KEY.slice(0, 1))],
    ['a key of wrong types', encodeCursor([1, 2])],
    ['nothing', ''],
  ])('refuses %s as invalid_cursor', (_, text) => {
    expect(() => decodeCursor(NewestFirst, text)).toThrow(
      expect.objectContaining({ code: 'invalid_cursor', status: 400 }),
    )
  })
})

describe('toPage', () => {
  test('the row beyond the limit is left for the next page, whose cursor is the last row given out', () => {
    const page = toPage([1, 2, 3], 2, (row) => [row])
    expect(page).toEqual({ data: [1, 2], nextCursor: encodeCursor([2]) })
  })

  test('the last page has no cursor', () => {
    expect(toPage([1, 2], 2, (row) => [row]).nextCursor).toBeNull()
    expect(toPage([], 2, () => []).nextCursor).toBeNull()
  })
})
