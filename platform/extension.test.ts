import { describe, expect, it } from 'vitest'
import { ConfigError } from './config.ts'
import { EXTENSION_NAME, hasNameOf, loadExtension } from './extension.ts'

const isGreeting = (exported: unknown): exported is string => typeof exported === 'string'

const loading = (load: (name: string) => Promise<unknown>) =>
  loadExtension({
    what: 'greeting',
    name: 'hello',
    folder: 'greetings',
    load,
    part: 'greeting',
    accepts: isGreeting,
  })

describe('hasNameOf', () => {
  it('takes an extension only by the name of its folder', () => {
    const hello = { name: 'hello' }
    expect(hasNameOf({ what: 'greeting', name: 'hello' }, hello)).toBe(hello)
    expect(() => hasNameOf({ what: 'greeting', name: 'hallo' }, hello)).toThrow(
      'The greeting hallo calls itself hello',
    )
  })
})

describe('loadExtension', () => {
  it('answers with what the named module exports', async () => {
    expect(await loading((name) => Promise.resolve({ greeting: `${name} you` }))).toBe('hello you')
  })

  it('says what is missing and where it was looked for', async () => {
    const missing = new Error('no such file')
    const failure = loading(() => Promise.reject(missing))
    await expect(failure).rejects.toBeInstanceOf(ConfigError)
    await expect(failure).rejects.toMatchObject({
      message: 'The greeting hello cannot be loaded from greetings: no such file',
      cause: missing,
    })
  })

  it('takes no module that exports something else', async () => {
    for (const module of [{}, { greeting: 1 }, null, undefined]) {
      await expect(loading(() => Promise.resolve(module))).rejects.toThrow('exports no usable greeting')
    }
  })

  it('has names that lead nowhere else', () => {
    const names = ['../main', 'a/b', 'a.b', 'Upper', 'x', '', 'by-weight', 'table2']
    expect(names.filter((name) => new RegExp(EXTENSION_NAME).test(name))).toEqual(['by-weight', 'table2'])
  })
})
