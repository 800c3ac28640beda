import assert from 'node:assert/strict'
import { afterAll, beforeAll, expect, it } from 'vitest'

/** Declared before `closing.ts` is loaded, so that it is called after the hook there. */
afterAll(() => assert.deepEqual(closed, ['a test’s', 'a hook’s', 'the file’s']))

const { closeWithFile } = await import('#tests/support/closing.ts')
const closed: string[] = []

closeWithFile(() => closed.push('the file’s'))
beforeAll(() => closeWithFile(() => closed.push('a hook’s')))

it('is not closed before the file is done', () => {
  closeWithFile(() => closed.push('a test’s'))
  expect(closed).toEqual([])
})
