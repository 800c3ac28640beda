import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/** A folder for one test file; `using folder = temporaryFolder()` or its `remove()` takes it away. */
export const temporaryFolder = (): { path: string; remove(): void; [Symbol.dispose](): void } => {
  const folder = mkdtempSync(path.join(tmpdir(), 'mainstay-'))
  chmodSync(folder, 0o711) // when root runs the tests, PostgreSQL is another user who must get through
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  return { path: folder, remove, [Symbol.dispose]: remove }
}
