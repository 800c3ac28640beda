/** `npm run check`: checks the invariants on the running stack. */
import { parseCommandLine } from '#platform/command-line.ts'
import { dataFolderOf } from '../data-folder.ts'
import { resolvePorts } from '../ports.ts'
import { check } from './check.ts'
import { checkTargetOf } from './target.ts'

const USAGE = `npm run check -- [--settled]

Reads the raw databases, the payment provider's own ledger, the event stream and the workflows of the running stack and
says which invariants of docs/architecture.md do not hold. Ends with 1 when one does not.

  --settled   every order should have ended or wait for a person`

const { values } = parseCommandLine(USAGE, {
  options: { settled: { type: 'boolean', default: false }, help: { type: 'boolean' } },
})

const print = (line: string): void => void process.stdout.write(`${line}\n`)

try {
  if (values.help === true) print(USAGE)
  else await run()
} catch (error) {
  process.stderr.write(
    `${error instanceof Error ? error.message : String(error)}\nIs the stack running? Start it with npm start.\n`,
  )
  process.exitCode = 1
}

async function run(): Promise<void> {
  const target = await checkTargetOf({ dataFolder: dataFolderOf(), ports: resolvePorts() })
  const findings = await check(target, { settled: values.settled })
  for (const { invariant, subject, problem } of findings)
    print(`invariant ${invariant}: ${subject} ${problem}`)
  print(findings.length === 0 ? 'Every invariant holds.' : `${findings.length} findings.`)
  if (findings.length > 0) process.exitCode = 1
}
