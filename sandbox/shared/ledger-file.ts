/**
 * What happened in a simulated outside process: an append-only file, one JSON document per line. An entry is written
 * before the call that caused it is answered, so whatever was answered survives `kill -9`.
 */
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, truncateSync, writeSync } from 'node:fs'
import path from 'node:path'

export interface Ledger<Entry> {
  /** Everything so far, oldest first. */
  entries(): readonly Entry[]
  append(entry: Entry): void
  close(): void
}

/** The file holds a line that is not an entry; only a last line without its end may be broken. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError'
}

/** Opens the file, or makes it. A last line that was torn by a crash is cut off: nobody was answered because of it. */
export function openLedger<Entry>(file: string, parse: (value: unknown) => Entry): Ledger<Entry> {
  mkdirSync(path.dirname(file), { recursive: true })
  const entries = existsSync(file) ? readEntries(file, parse) : []
  const descriptor = openSync(file, 'a')
  return {
    entries: () => entries,
    append(entry) {
      writeWhole(descriptor, Buffer.from(`${JSON.stringify(entry)}\n`))
      entries.push(entry)
    },
    close: () => closeSync(descriptor),
  }
}

function readEntries<Entry>(file: string, parse: (value: unknown) => Entry): Entry[] {
  const bytes = readFileSync(file)
  const end = bytes.lastIndexOf('\n') + 1
  if (end < bytes.length) truncateSync(file, end)
  const lines = bytes.toString('utf8', 0, end).split('\n').slice(0, -1)
  return lines.map((line, index) => {
    try {
      return parse(JSON.parse(line))
    } catch (cause) {
      throw new LedgerError(`${file}:${index + 1} is not an entry of this ledger`, { cause })
    }
  })
}

function writeWhole(descriptor: number, bytes: Buffer): void {
  for (let written = 0; written < bytes.length;) {
    written += writeSync(descriptor, bytes, written)
  }
}
