/** `npm run soak`: a stack of its own is killed part by part while orders live on it at random. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseCommandLine, rejectCommandLine } from '#platform/command-line.ts'
import { generateClients } from '#prisma/generate.ts'
import { freePorts } from '../ports.ts'
import { createProgress } from '../progress.ts'
import type { Stack } from '../stack.ts'

const USAGE = `npm run soak -- [--minutes N] [--seed N] [--customers N]

Starts a stack of its own on free ports, beside any other, each part a process. Orders live on it at random: customers,
couriers and operators do what is possible, with every payment method of the sandbox, while processes, PostgreSQL, NATS,
Temporal, or all at once are killed and started again. Then every order is brought to an end, the checker reads the books,
and everything is thrown away. Ends with 1 when an invariant is broken, an order has no end, or a call was answered 500.

  --minutes N     how long it goes on, besides the start and the end of all orders [3]
  --seed N        of the orders and of what is done with them [a random one]
  --customers N   how many orders live at the same time [6]`

const print = (line: string): void => void process.stdout.write(`${line}\n`)

const { values } = parseCommandLine(USAGE, {
  options: {
    minutes: { type: 'string', default: '3' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    customers: { type: 'string', default: '6' },
    help: { type: 'boolean' },
  },
})

/** The customers all come from one address and one account. */
const SETTINGS = Object.fromEntries(
  ['IP', 'ORDERS', 'USERS', 'AUTH', 'OPERATIONS', 'SHIPMENTS'].map((scope) => [
    `LIMIT_${scope}_PER_MINUTE`,
    '100000',
  ]),
)

if (values.help === true) print(USAGE)
else await run()

function numberOf(name: 'minutes' | 'seed' | 'customers', least: number): number {
  const value = Number(values[name])
  if (Number.isFinite(value) && value >= least) return value
  return rejectCommandLine(USAGE, `--${name} takes a number from ${least}.`)
}

async function run(): Promise<void> {
  const seconds = numberOf('minutes', 0.1) * 60
  const [seed, customers] = [numberOf('seed', 0), Math.round(numberOf('customers', 1))]
  const progress = createProgress(print)
  const dataFolder = await mkdtemp(path.join(tmpdir(), 'mainstay-soak-'))
  let stack: Stack | undefined
  const clear = async () => {
    await stack?.stop()
    await rm(dataFolder, { recursive: true, force: true })
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      print(`\n${signal}: stopping`)
      void clear().then(() => process.exit(1))
    })
  }
  try {
    await generateClients({ onProgress: progress })
    const { startStack } = await import('../stack.ts')
    stack = await startStack({
      dataFolder,
      ports: await freePorts(),
      processes: true,
      settings: SETTINGS,
      onProgress: progress,
    })
    progress(`the platform is healthy; seed ${seed}`)
    const { soak } = await import('./soak.ts')
    const { orders, counts, failures } = await soak(stack, { seconds, seed, customers, onProgress: progress })
    for (const [what, times] of [...counts].toSorted(([one], [other]) => one.localeCompare(other)))
      print(`${String(times).padStart(6)}  ${what}`)
    for (const failure of failures) print(failure)
    print(
      failures.length === 0
        ? `${orders} orders, every invariant holds.`
        : `${failures.length} failures, seed ${seed}.`,
    )
    process.exitCode = failures.length === 0 ? 0 : 1
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    process.exitCode = 1
  }
  await clear()
  process.exit()
}
