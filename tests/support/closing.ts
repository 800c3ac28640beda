/** What a test file opened is closed when the file is done, wherever it was opened: beside the hooks, in one, in a test. */
import { afterAll } from 'vitest'

const closings: (() => unknown)[] = []

/**
 * Closes this with the test file, the last opened first, after the file's own hooks. `afterAll` in its place would be
 * forgotten where a hook or a test calls it, since vitest has read the hooks by then.
 */
export function closeWithFile(close: () => unknown): void {
  closings.push(close)
}

// every test file has modules of its own, so that this stands beside the hooks of each file that imports it
afterAll(async () => {
  const failures: unknown[] = []
  for (const close of closings.splice(0).toReversed()) {
    try {
      await close()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0)
    throw new AggregateError(failures, 'not everything that was opened could be closed')
})
