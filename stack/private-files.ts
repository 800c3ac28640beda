import { randomBytes } from 'node:crypto'
import { link, rename, rm, writeFile } from 'node:fs/promises'

/** Writes a file that only its owner can read; readers see the old text or the new one, never a part. */
export const writePrivateFile = async (file: string, text: string): Promise<void> => {
  const draft = draftOf(file)
  await writeFile(draft, text, { mode: 0o600, flag: 'wx', flush: true })
  await rename(draft, file)
}

/** As writePrivateFile, but answers false and changes nothing when the file exists. */
export const createPrivateFile = async (file: string, text: string): Promise<boolean> => {
  const draft = draftOf(file)
  await writeFile(draft, text, { mode: 0o600, flag: 'wx', flush: true })
  try {
    await link(draft, file) // unlike rename, refuses to replace
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

export const hasCode = (error: unknown, ...codes: string[]): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)

const draftOf = (file: string): string => `${file}.${randomBytes(6).toString('hex')}.new`
