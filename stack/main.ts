/** `npm start`: sets everything up, starts the local stack, shows an order going through and stays up until Ctrl-C. */
import path from 'node:path'
import { parseCommandLine } from '#platform/command-line.ts'
import { generateClients } from '#prisma/generate.ts'
import { dataFolderOf } from './data-folder.ts'
import { resolvePorts } from './ports.ts'
import { createProgress } from './progress.ts'
import { createRestarts } from './restarts.ts'
import type { Stack } from './stack.ts'

const USAGE = `npm start -- [--no-demo] [--processes]

Starts PostgreSQL, NATS, Temporal with its Web UI, the mailbox, the simulated payment provider and carrier, the six
services and the gateway on this machine, places a demo order, and stays up until Ctrl-C.

  --no-demo     place no order
  --processes   start each part as a process of its own instead of all in one
  --help        this text

Ports are changed by environment variables (GATEWAY_PORT, TEMPORAL_UI_PORT, …), the data folder by MAINSTAY_DATA.
npm run demo -- --help lists more scenarios; npm run reset removes all data.`

const { values } = parseCommandLine(USAGE, {
  options: { 'no-demo': { type: 'boolean' }, processes: { type: 'boolean' }, help: { type: 'boolean' } },
})

const print = (line: string): void => void process.stdout.write(`${line}\n`)

if (values.help === true) print(USAGE)
else await run()

async function run(): Promise<void> {
  const progress = createProgress(print)
  let stack: Stack | undefined
  let stopping: Promise<void> | undefined
  const restarts = createRestarts((name) => {
    const { servers, parts } = stack ?? { servers: [], parts: [] }
    return [...servers, ...parts].find((child) => child.name === name)
  }, print)

  const stop = (reason: string): Promise<void> => {
    stopping ??= (async () => {
      print(`\n${reason}: stopping`)
      await restarts.end()
      await stack?.stop()
      print('everything has stopped')
    })()
    return stopping
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // a stack that is still starting is stopped as soon as it has started; nothing is left behind half-way
      if (stack !== undefined) void stop(signal).then(() => process.exit(0))
      else interrupted = true
    })
  }
  let interrupted = false

  try {
    await generateClients({ onProgress: progress })
    const { startStack } = await import('./stack.ts')
    stack = await startStack({
      dataFolder: dataFolderOf(),
      ports: resolvePorts(),
      processes: values.processes === true,
      settings: process.env,
      onProgress: progress,
      onUnexpectedExit: (exit) => restarts.take(exit),
    })
    progress('the platform is healthy')
    if (interrupted) {
      await stop('interrupted')
      return
    }
    await welcome(stack)
  } catch (error) {
    await restarts.end()
    await stack?.stop()
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exit(1)
  }
}

async function welcome({ ports, logFile, processes }: Stack): Promise<void> {
  const { pages, curlLines } = await import('./demo/links.ts')
  let orderId: string | undefined
  const links = pages(ports)
  if (values['no-demo'] !== true) {
    const { playScenario } = await import('./demo/play.ts')
    const { SCENARIOS } = await import('./demo/scenarios.ts')
    print('')
    const customer = 'customer@mainstay.test'
    const { orders, failures } = await playScenario({ scenario: SCENARIOS.happy, ports, print, customer })
    if (failures.length > 0) throw new Error(`The demo order did not end well: ${failures.join('; ')}`)
    orderId = orders[0]?.id
  }
  print('')
  for (const [name, url] of links) print(`${name.padEnd(12)} ${url}`)
  print(
    `${'Log'.padEnd(12)} ${processes === undefined ? logFile : path.join(path.dirname(logFile), '*.log')}`,
  )
  print('\nAccounts customer@, operator@, courier@ and admin@mainstay.test, password mainstay-local. Try:\n')
  for (const line of curlLines(ports, orderId)) print(`${line}\n`)
  print('Ctrl-C stops everything.')
}
