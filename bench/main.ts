/** `npm run bench -- NAME`: runs one benchmark. */
import { rejectCommandLine } from '#platform/command-line.ts'
import { OptionError } from './options.ts'

interface Benchmark {
  title: string
  run(options: string[]): Promise<void>
}

// loaded when asked for: each starts servers of its own
const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  start: {
    title: 'how long a warm start takes and how much memory the stack has at rest',
    run: async (options) => (await import('./start.ts')).benchmarkStart(options),
  },
  orders: {
    title: 'orders a second through the gateway, beside bare workflows on the same Temporal server',
    run: async (options) => (await import('./orders.ts')).benchmarkOrders(options),
  },
}

const list = Object.entries(BENCHMARKS).map(([known, { title }]) => `  ${known.padEnd(8)} ${title}`)
const USAGE = `npm run bench -- NAME [options]   (npm run bench -- NAME --help lists the options)

${list.join('\n')}`

const [name, ...options] = process.argv.slice(2)

if (name === '--help' || name === '-h') process.stdout.write(`${USAGE}\n`)
else if (name === undefined) rejectCommandLine(USAGE, 'Which benchmark?')
else if (!Object.hasOwn(BENCHMARKS, name)) rejectCommandLine(USAGE, `There is no benchmark ${name}.`)
else await run(name)

async function run(known: string): Promise<void> {
  try {
    await BENCHMARKS[known]?.run(options)
  } catch (error) {
    if (error instanceof OptionError) rejectCommandLine(USAGE, error.message)
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    process.exitCode = 1
  }
}
