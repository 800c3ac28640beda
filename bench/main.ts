/** `npm run bench -- NAME`: runs one benchmark. */

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

const [name, ...options] = process.argv.slice(2)
const benchmark = name !== undefined && Object.hasOwn(BENCHMARKS, name) ? BENCHMARKS[name] : undefined

if (benchmark !== undefined) {
  try {
    await benchmark.run(options)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
    process.exitCode = 1
  }
} else {
  const list = Object.entries(BENCHMARKS).map(([known, { title }]) => `  ${known.padEnd(8)} ${title}`)
  const asked = name === '--help' || name === undefined
  if (!asked) process.stderr.write(`There is no benchmark ${name}.\n`)
  process.stdout.write(
    `npm run bench -- NAME [options]   (npm run bench -- NAME --help lists the options)\n\n${list.join('\n')}\n`,
  )
  if (name !== '--help') process.exitCode = 1
}
