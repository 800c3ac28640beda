/** `npm run service -- NAME [--roles http,worker]`: starts one process of the platform alone. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { DATABASE_NAMES } from '#contracts/services.ts'
import { parseCommandLine, rejectCommandLine } from '#platform/command-line.ts'
import { generateClients } from '#prisma/generate.ts'
import { PROCESS_NAMES, type ProcessName } from './environments.ts'
import { entryOf } from './processes.ts'

const USAGE = `npm run service -- NAME [--roles http,worker] [--help]

Starts one process of the platform alone, configured by its environment (npm run service -- NAME --help lists it).
NAME is one of ${PROCESS_NAMES.join(', ')}.

  --roles   which doors a service opens: http, worker or both (the default)`

const { values, positionals } = parseCommandLine(USAGE, {
  allowPositionals: true,
  options: { roles: { type: 'string' }, help: { type: 'boolean' } },
})
const [name] = positionals

if (name === undefined) {
  if (values.help !== true) rejectCommandLine(USAGE, 'Which process?')
  process.stdout.write(`${USAGE}\n`)
} else if (isProcess(name)) {
  await provideClient(name)
  run(name)
} else {
  rejectCommandLine(USAGE, `There is no process ${name}.`)
}

/** A fresh clone has no database clients yet; an image has them, and not what makes them. */
async function provideClient(process_: ProcessName): Promise<void> {
  const needsOne = DATABASE_NAMES.some((database) => database === process_)
  const client = path.join(import.meta.dirname, '..', 'prisma', process_, 'client')
  if (!needsOne || existsSync(client)) return
  await generateClients({ onProgress: (message) => void process.stderr.write(`${message}\n`) })
}

function isProcess(text: string): text is ProcessName {
  return PROCESS_NAMES.some((known) => known === text)
}

/** Hands the terminal, the signals and the exit code over to the process. */
function run(process_: ProcessName): void {
  const entry = path.join(import.meta.dirname, '..', entryOf(process_))
  const child = spawn(process.execPath, [entry, ...(values.help === true ? ['--help'] : [])], {
    stdio: 'inherit',
    detached: true, // the terminal's Ctrl-C comes here only, and is handed on once
    env: { ...process.env, ...(values.roles === undefined ? {} : { ROLES: values.roles }) },
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal))
  child.on('exit', (code) => process.exit(code ?? 1))
}
