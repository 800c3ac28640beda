import { closeSync, mkdirSync, openSync, readSync, renameSync, statSync } from 'node:fs'
import path from 'node:path'

const ROTATE_AT_BYTES = 10 * 1024 * 1024
const TAIL_BYTES = 8 * 1024
const TAIL_LINES = 25

/** The log file of one child. It outlives the supervisor: the child writes to it directly. */
export type ChildLog = {
  readonly file: string
  /** Opens the file for one run of the child; the caller closes the descriptor after spawning. */
  open(): number
  /** The last lines that the current run wrote. */
  tail(): string
}

export const createChildLog = (dataFolder: string, name: string): ChildLog => {
  const file = path.join(dataFolder, 'logs', `${name}.log`)
  let runStartsAt = 0

  const open = (): number => {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
    if (sizeOf(file) > ROTATE_AT_BYTES) renameSync(file, `${file}.1`)
    runStartsAt = sizeOf(file)
    return openSync(file, 'a', 0o600)
  }

  const tail = (): string => {
    const size = sizeOf(file)
    const start = Math.max(runStartsAt, size - TAIL_BYTES)
    if (size <= start) return ''
    const buffer = Buffer.alloc(size - start)
    const descriptor = openSync(file, 'r')
    try {
      const length = readSync(descriptor, buffer, 0, buffer.length, start)
      return buffer.toString('utf8', 0, length).trimEnd().split('\n').slice(-TAIL_LINES).join('\n')
    } finally {
      closeSync(descriptor)
    }
  }

  return { file, open, tail }
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0
