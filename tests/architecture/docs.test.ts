import { existsSync } from 'node:fs'
import { glob, readFile } from 'node:fs/promises'
import path from 'node:path'
import Type from 'typebox'
import { describe, expect, test } from 'vitest'
import { parser } from '#platform/validation.ts'

const root = path.resolve(import.meta.dirname, '../..')
const SKIPPED = new Set(['node_modules', '.mainstay', '.git', 'dist', 'coverage'])

/** Every document by its path from the root. */
const documents = new Map<string, string>()
for await (const file of glob('**/*.md', {
  cwd: root,
  exclude: (name) => SKIPPED.has(path.basename(name)),
})) {
  documents.set(file, await readFile(path.join(root, file), 'utf8'))
}

const parsePackage = parser(
  'package.json',
  Type.Object({ scripts: Type.Record(Type.String(), Type.String()) }),
)
const { scripts } = parsePackage(JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8')))

/** What looks like a link inside of code is none. */
const withoutCode = (text: string): string =>
  text.replaceAll(/^ *```[\s\S]*?^ *```/gm, '').replaceAll(/`[^`\n]*`/g, '')

const linksOf = (text: string): string[] =>
  [...withoutCode(text).matchAll(/\]\(([^()\s]+)\)/g)].flatMap(([, target = '']) =>
    /^[a-z]+:/.test(target) ? [] : [target],
  )

/** The anchors of a document's headings, as they are made from their text on the web. */
const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  )

/** Why a link leads nowhere; undefined when it does lead somewhere. */
function brokenLink(from: string, target: string): string | undefined {
  const [file = '', anchor] = target.split('#')
  const to = file === '' ? from : path.join(path.dirname(from), file)
  if (!existsSync(path.join(root, to))) return `${target}: there is no ${to}`
  if (anchor === undefined || anchorsOf(documents.get(to) ?? '').includes(anchor)) return undefined
  return `${target}: ${to} has no such heading`
}

/** What is shown of a file may stand further to the left than there. */
const withoutIndent = (code: string): string => code.replaceAll(/^ +/gm, '')

const EXTENSIONS = ['allocation', 'carrier', 'notifier', 'payment-provider', 'saga-step', 'tax']

const commandsOf = (text: string): string[] => [
  ...[...text.matchAll(/npm run (?:--silent |-s )?([a-z][a-z:-]*)/g)].map(([, name = '']) => name),
  ...[...text.matchAll(/npm (start|test)\b/g)].map(([, name = '']) => name),
]

describe('the documents', () => {
  test('are there', () => {
    expect([...documents.keys()]).toEqual(
      expect.arrayContaining([
        'README.md',
        'CONTRIBUTING.md',
        ...['requirements', 'architecture', 'operations', 'extending/README', 'errors'].map(
          (name) => `docs/${name}.md`,
        ),
      ]),
    )
  })

  test.each([...documents])('%s links only to what exists', (from, text) => {
    expect(linksOf(text).flatMap((target) => brokenLink(from, target) ?? [])).toEqual([])
  })

  test.each([...documents])('%s names only commands that exist', (_from, text) => {
    expect(commandsOf(text).filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
  })

  test.each([...documents])('%s names no place on somebody’s machine', (_from, text) => {
    const lines = text
      .split('\n')
      .filter((line) => /(^|[\s`"'(=:])(\/(home|root|tmp|work|Users|opt|mnt)\/|[A-Z]:\\)/.test(line))
    expect(lines).toEqual([])
  })

  test('show the examples as they are', async () => {
    const examples: string[] = []
    for await (const file of glob('docs/extending/examples/*.ts', { cwd: root })) {
      examples.push(withoutIndent(await readFile(path.join(root, file), 'utf8')))
    }
    const pages = [...documents].filter(([file]) => /^docs\/extending\/[a-z]/.test(file))
    expect(pages.map(([file]) => path.basename(file, '.md')).toSorted()).toEqual(EXTENSIONS)
    for (const [file, text] of pages) {
      const shown = [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = '']) =>
        withoutIndent(code),
      )
      expect(shown, file).not.toEqual([])
      for (const code of shown) {
        expect(
          examples.some((example) => example.includes(code)),
          `${file}: ${code}`,
        ).toBe(true)
      }
    }
  })

  test('every decision stands in the index', () => {
    const index = linksOf(documents.get('docs/adr/README.md') ?? '')
    const decisions = [...documents.keys()]
      .filter((file) => /^docs\/adr\/\d/.test(file))
      .map((file) => path.basename(file))
    expect(index.toSorted()).toEqual(decisions.toSorted())
  })
})
