import { appendFileSync, readFileSync, writeFileSync } from 'node:fs'
import Type from 'typebox'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parser } from '#platform/validation.ts'
import { LedgerError, openLedger } from './ledger-file.ts'
import { temporaryFolder } from './test-support.ts'

const parse = parser('an entry', Type.Object({ text: Type.String() }))

let folder: ReturnType<typeof temporaryFolder>
let file: string
beforeEach(() => {
  folder = temporaryFolder()
  file = folder.file('deep/er/ledger.jsonl')
})
afterEach(() => folder.remove())

/** What is in the file for the next process. */
function entries(): string[] {
  const ledger = openLedger(file, parse)
  ledger.close()
  return ledger.entries().map(({ text }) => text)
}

describe('a ledger file', () => {
  it('is made with its folder and holds what was appended, in order', () => {
    const ledger = openLedger(file, parse)
    for (const text of ['a', 'line\nbreak', 'č', '']) ledger.append({ text })
    expect(ledger.entries().map(({ text }) => text)).toEqual(['a', 'line\nbreak', 'č', ''])
    expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(5)
    ledger.close()
    expect(entries()).toEqual(['a', 'line\nbreak', 'č', ''])
  })

  it('loses a last line that is torn at any byte, and nothing else', () => {
    const whole = Buffer.from('{"text":"first"}\n')
    const last = Buffer.from('{"text":"čas"}\n')
    openLedger(file, parse).close()
    for (let length = 0; length < last.length; length += 1) {
      writeFileSync(file, Buffer.concat([whole, last.subarray(0, length)]))
      expect(entries()).toEqual(['first'])
      expect(readFileSync(file)).toEqual(whole)
    }
    writeFileSync(file, Buffer.concat([whole, last]))
    expect(entries()).toEqual(['first', 'čas'])
  })

  it('does not open with a broken line that has an end', () => {
    openLedger(file, parse).close()
    appendFileSync(file, '{"text":"a"}\n{"text":\n{"text":"b"}\n')
    expect(() => openLedger(file, parse)).toThrow(LedgerError)
    expect(() => openLedger(file, parse)).toThrow(/ledger\.jsonl:2 is not an entry/)
  })
})
