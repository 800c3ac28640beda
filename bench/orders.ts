/**
 * `npm run bench -- orders`: real orders through the gateway of a whole stack, in turns with workflows that do nothing on
 * the same Temporal server; what an order costs; and who uses the processors.
 */
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateClients } from '#prisma/generate.ts'
import { parseCommandLine } from '#platform/command-line.ts'
import type { Environment } from '#platform/config.ts'
import { createLifecycle } from '#platform/lifecycle.ts'
import { createLogger } from '#platform/logger.ts'
import { freePorts } from '#stack/ports.ts'
import { temporaryFolder } from '#stack/temporary-folder.ts'
import { positiveInteger } from './options.ts'
import type { OrderRound } from './order-load.ts'
import type { OrderBenchmarkOptions, OrderFigures } from './order-report.ts'
import type { Rates } from './rounds.ts'
import type { Yardstick } from './yardsticks.ts'

const USAGE = `npm run bench -- orders [--orders N] [--concurrency N] [--rounds N] [--json FILE]

Starts a whole stack of its own in this process, as \`npm start\` does, and in each round places N orders through the
gateway, then runs on the same Temporal server N bare workflows (three activities in turn that do nothing) and N skeletons
(what an order asks of Temporal until its confirmation, with activities that do nothing), always with the same number at a
time. Parcels are held back (the shipping service's worker is off) until every order of the round is
confirmed, so that the first figure says how fast orders are taken and the second how fast they are done. Exit code 1 when the median ratio of confirmed orders to bare workflows is below 0.5.

  --orders N        orders, and workflows of each other kind, in a round [60]
  --concurrency N   how many at a time [20]
  --rounds N        [2]
  --json FILE       writes the figures there too`

/** Nothing waits for a van, nobody is told to slow down or out of money, and the log costs nothing. */
const SETTINGS: Environment = {
  LOG_LEVEL: 'warn',
  AMENDMENT_SECONDS: '0',
  CARRIER_DISPATCH_MS: '50',
  CARRIER_DELIVERY_MS: '50',
  SPENDING_LIMIT: '1000000000000',
  ...Object.fromEntries(
    ['IP', 'ORDERS', 'USERS', 'AUTH', 'PUBLIC', 'OPERATIONS', 'SHIPMENTS', 'WEBHOOKS'].map((limit) => [
      `LIMIT_${limit}_PER_MINUTE`,
      '1000000',
    ]),
  ),
}

const TARGET_RATIO = 0.5
const WARM_UP = 40
const IDLE_MS = 10_000

const print = (line = ''): void => void process.stdout.write(`${line}\n`)

export async function benchmarkOrders(argumentsOfOrders: string[]): Promise<void> {
  const { values } = parseCommandLine(USAGE, {
    args: argumentsOfOrders,
    options: {
      orders: { type: 'string', default: '60' },
      concurrency: { type: 'string', default: '20' },
      rounds: { type: 'string', default: '2' },
      json: { type: 'string' },
      help: { type: 'boolean' },
    },
  })
  if (values.help === true) return print(USAGE)
  const options = {
    orders: positiveInteger('--orders', values.orders),
    concurrency: positiveInteger('--concurrency', values.concurrency),
    rounds: positiveInteger('--rounds', values.rounds),
  }
  await generateClients({ onProgress: print })

  const lifecycle = createLifecycle({
    error: (details: unknown) => print(`could not stop cleanly: ${JSON.stringify(details)}`),
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => void lifecycle.stop().then(() => process.exit(1)))
  }
  try {
    const figures = await measure(options, lifecycle)
    const { report } = await import('./order-report.ts')
    for (const line of report(figures, TARGET_RATIO)) print(line)
    if (values.json !== undefined) {
      const plain = (_key: string, value: unknown): unknown =>
        value instanceof Map ? Object.fromEntries(value) : value
      writeFileSync(values.json, `${JSON.stringify(figures, plain, 2)}\n`)
    }
    if (figures.median.ratio < TARGET_RATIO) process.exitCode = 1
  } finally {
    await lifecycle.stop()
  }
}

async function measure(
  options: OrderBenchmarkOptions,
  lifecycle: ReturnType<typeof createLifecycle>,
): Promise<OrderFigures> {
  const { orders, concurrency, rounds } = options
  const folder = temporaryFolder()
  lifecycle.onStop('folder', async () => folder.remove())

  // imported only now: the clients of the databases have been generated
  const { startStack } = await import('#stack/stack.ts')
  const { startYardsticks } = await import('./yardsticks.ts')
  const { COMMITS_REPORTED_AFTER_MS, countsPerOrder, openCounters } = await import('./counters.ts')
  const { followOrders } = await import('./order-progress.ts')
  const { placeOrders } = await import('./order-load.ts')
  const { openShop } = await import('./shop.ts')
  const { startShippingWorker } = await import('./shipping-worker.ts')
  const { readHistoryCosts } = await import('./read-history-costs.ts')
  const { createProcessorClock } = await import('./processor-clock.ts')
  const { medianRates, ratesOf } = await import('./rounds.ts')

  const stack = await startStack({
    dataFolder: folder.path,
    ports: await freePorts(),
    settings: SETTINGS,
    settingsOf: { shipping: { ROLES: 'http' } },
  })
  lifecycle.onStop('stack', () => stack.stop())
  const { temporalAddress, temporalNamespace, databaseUrls } = stack.infrastructure
  const logger = createLogger({ service: 'bench', level: 'warn' })
  const yardsticks = await startYardsticks({
    temporalAddress,
    temporalNamespace,
    folder: folder.path,
    logger,
  })
  lifecycle.onStop('yardsticks', () => yardsticks.stop())
  const progress = followOrders(databaseUrls.orders)
  lifecycle.onStop('progress', () => progress.close())
  const counters = await openCounters(stack, () => progress.queries())
  lifecycle.onStop('counters', () => counters.close())
  const shop = await openShop(stack.gatewayUrl, progress)
  const clock = createProcessorClock()
  const place = (count: number, callers: number, waitUntilConfirmed: boolean, timed = false) =>
    placeOrders({
      shop,
      progress,
      count,
      concurrency: callers,
      ship,
      waitUntilConfirmed,
      ...(timed ? { clock } : {}),
    })
  const ship = async (): Promise<() => Promise<void>> => {
    const worker = await startShippingWorker(stack, logger)
    return () => worker.stop()
  }
  print('the stack is up; warming up')
  await place(WARM_UP, concurrency, true)
  await yardsticks.run('bare', { count: WARM_UP, concurrency })
  await yardsticks.run('skeleton', { count: WARM_UP, concurrency })

  print('measuring what it costs to do nothing')
  await sleep(COMMITS_REPORTED_AFTER_MS)
  const idle = await interval(() => clock.during('idle', () => sleep(IDLE_MS)))
  const measured: { ordered: OrderRound; rates: Rates }[] = []
  const busy = await interval(async () => {
    for (let round = 1; round <= rounds; round++) {
      const ordered = await place(orders, concurrency, true, true)
      const secondsOf = (which: Yardstick): Promise<number> =>
        clock.during(which, () => yardsticks.run(which, { count: orders, concurrency }))
      const bareSeconds = await secondsOf('bare')
      const skeletonSeconds = await secondsOf('skeleton')
      measured.push({ ordered, rates: ratesOf({ count: orders, bareSeconds, skeletonSeconds, ...ordered }) })
      print(`round ${round} of ${rounds} is over`)
    }
    await sleep(COMMITS_REPORTED_AFTER_MS)
  })
  const burst = await place(orders, Math.min(BURST_CALLERS, concurrency), false)

  const rates = measured.map((round) => round.rates)
  const ids = measured.flatMap(({ ordered }) => ordered.ids)
  return {
    options,
    rates,
    median: medianRates(rates),
    acceptMilliseconds: {
      loaded: measured.flatMap(({ ordered }) => ordered.acceptMilliseconds),
      burst: burst.acceptMilliseconds,
    },
    burstCallers: Math.min(BURST_CALLERS, concurrency),
    confirmMilliseconds: measured.flatMap(({ ordered }) => ordered.confirmMilliseconds),
    perOrder: countsPerOrder(busy, idle, ids.length),
    histories: await readHistoryCosts({ temporalAddress, temporalNamespace, progress, ids }),
    processors: clock.read(),
  }

  async function interval(work: () => Promise<void>) {
    const [before, began] = [await counters.read(), performance.now()]
    await work()
    return { before, after: await counters.read(), seconds: (performance.now() - began) / 1000 }
  }
}

const BURST_CALLERS = 4
