/** `npm run demo -- --scenario NAME`: places orders on a stack that is running. */
import { parseArgs } from 'node:util'
import { resolvePorts } from '../ports.ts'
import { playScenario } from './play.ts'
import { isScenario, SCENARIOS } from './scenarios.ts'

const USAGE = `npm run demo -- [--scenario NAME]

Places an order on the running stack (npm start), tells its story and checks how it ended. Scenarios:
${Object.entries(SCENARIOS)
  .map(([name, { title }]) => `  ${name.padEnd(16)} ${title}`)
  .join('\n')}`

async function run(): Promise<void> {
  const { values } = parseArgs({
    options: { scenario: { type: 'string', default: 'happy' }, help: { type: 'boolean' } },
  })
  if (values.help === true) return print(USAGE)
  if (!isScenario(values.scenario)) throw new Error(`There is no scenario ${values.scenario}.\n${USAGE}`)
  const ports = resolvePorts()
  const gatewayUrl = `http://127.0.0.1:${ports.gateway}`
  await fetch(`${gatewayUrl}/livez`).catch((cause: unknown) => {
    throw new Error(`No stack answers at ${gatewayUrl}: start it with npm start.`, { cause })
  })
  const { failures } = await playScenario({ scenario: SCENARIOS[values.scenario], ports, print })
  if (failures.length > 0) throw new Error(`It did not end as it should have: ${failures.join('; ')}`)
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
