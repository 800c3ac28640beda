/** `npm run demo -- --scenario NAME`: places orders on a stack that is running. */
import { parseCommandLine, rejectCommandLine } from '#platform/command-line.ts'
import { resolvePorts } from '../ports.ts'
import { playScenario } from './play.ts'
import { isScenario, SCENARIOS, type ScenarioName } from './scenarios.ts'

const USAGE = `npm run demo -- [--scenario NAME]

Places an order on the running stack (npm start), tells its story and checks how it ended. Scenarios:
${Object.entries(SCENARIOS)
  .map(([name, { title }]) => `  ${name.padEnd(16)} ${title}`)
  .join('\n')}
  ${'all'.padEnd(16)} every one of them, one after the other`

async function run(): Promise<void> {
  const { values } = parseCommandLine(USAGE, {
    options: { scenario: { type: 'string', default: 'happy' }, help: { type: 'boolean' } },
  })
  if (values.help === true) return print(USAGE)
  const names = namesOf(values.scenario)
  const ports = resolvePorts()
  const gatewayUrl = `http://127.0.0.1:${ports.gateway}`
  await fetch(`${gatewayUrl}/livez`).catch((cause: unknown) => {
    throw new Error(`No stack answers at ${gatewayUrl}: start it with npm start.`, { cause })
  })
  const wrong: string[] = []
  for (const name of names) {
    const { failures } = await playScenario({ scenario: SCENARIOS[name], ports, print })
    wrong.push(...failures.map((failure) => `${name}: ${failure}`))
    print('')
  }
  if (wrong.length > 0) throw new Error(`It did not end as it should have:\n${wrong.join('\n')}`)
  print(`${names.join(', ')}: ended as it should`)
}

function namesOf(scenario: string): ScenarioName[] {
  if (scenario === 'all') return Object.keys(SCENARIOS).filter(isScenario)
  if (isScenario(scenario)) return [scenario]
  return rejectCommandLine(USAGE, `There is no scenario ${scenario}.`)
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

try {
  await run()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
