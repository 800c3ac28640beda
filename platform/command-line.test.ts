import { execFile } from 'node:child_process'
import { describe, expect, it } from 'vitest'

/** As in a fresh clone: the databases' clients are not there. */
const NOT_GENERATED = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module'
  registerHooks({
    resolve(specifier, context, next) {
      if (!new RegExp('prisma/[a-z]+/client').test(specifier)) return next(specifier, context)
      throw Object.assign(new Error('not generated'), { code: 'ERR_MODULE_NOT_FOUND' })
    },
  })`)}`

const run = (script: string, ...words: string[]) =>
  new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
    const root = new URL('..', import.meta.url).pathname
    const words_ = ['-r', './stack/require-node.cjs', '--import', NOT_GENERATED, script, ...words]
    execFile(process.execPath, words_, { cwd: root }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    )
  })

describe('a command with an option that it does not know', () => {
  it.each([
    ['stack/main.ts', 'npm start'],
    ['stack/check/main.ts', 'npm run check'],
    ['stack/reset.ts', 'npm run reset'],
    ['stack/demo/main.ts', 'npm run demo'],
    ['stack/service.ts', 'npm run service'],
    ['workflows/tooling/replay.ts', 'npm run replay'],
    ['bench/main.ts start', 'npm run bench -- start'],
    ['bench/main.ts orders', 'npm run bench -- orders'],
  ])('%s says so with its usage, and ends with 2', async (script, usage) => {
    const [file = '', ...words] = script.split(' ')
    const { code, stdout, stderr } = await run(file, ...words, '--bogus')
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toContain("Unknown option '--bogus'")
    expect(stderr).toContain(`\n${usage} `)
    expect(stderr).not.toMatch(/^ +at /m)
  })
}, 60_000)

describe('a command that is given what there is not', () => {
  it.each([
    [['bench/main.ts', '--nonsense'], 'There is no benchmark --nonsense.'],
    [['bench/main.ts'], 'Which benchmark?'],
    [['bench/main.ts', 'start', '--runs', 'many'], '--runs must be a number from 1, not "many"'],
    [['stack/service.ts', 'nonsense'], 'There is no process nonsense.'],
    [['stack/demo/main.ts', '--scenario', 'nonsense'], 'There is no scenario nonsense.'],
  ])('%j says so with its usage, and ends with 2', async ([script = '', ...words], message) => {
    const { code, stdout, stderr } = await run(script, ...words)
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^npm run \w+ -- /m)
    expect(stderr.split('\n')[0]).toBe(message)
    expect(stderr).not.toMatch(/^ +at /m)
  })
}, 60_000)

describe('npm run users in a fresh clone', () => {
  it('explains itself, and for what needs the database names the command that is missing', async () => {
    expect(await run('services/users/cli.ts', '--help')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('npm run users -- COMMAND'),
      stderr: '',
    })
    const { code, stderr } = await run('services/users/cli.ts', 'disable', 'x@example.test')
    expect(code).toBe(1)
    expect(stderr).toBe('The database client is not there yet: `npm run generate` makes it.\n')
  })
}, 60_000)
