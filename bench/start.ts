/**
 * `npm run bench -- start`: a warm start (installed, generated, data folder initialised) until the gateway's /health is
 * healthy, and what all processes hold in memory once they are at rest.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { writeFileSync } from 'node:fs'
import { parseCommandLine } from '#platform/command-line.ts'
import { generateClients } from '#prisma/generate.ts'
import { freePorts } from '#stack/ports.ts'
import { temporaryFolder } from '#stack/temporary-folder.ts'
import { positiveInteger } from './options.ts'
import { readTreeMemory, size, sumByPart, sumOf } from './resident-memory.ts'
import { startStackProcess, type StackProcess } from './stack-process.ts'
import { formatTable } from './table.ts'

const USAGE = `npm run bench -- start [--runs N] [--json FILE]

Starts the stack once to initialise a temporary data folder and stops it; then starts it again N times as \`npm start\`
does, each until the gateway's /health is healthy; then lets the last one rest and sums the memory of all its processes.
Exit code 1 when a budget is exceeded. Linux only.

  --runs N      warm starts to measure [3]
  --json FILE   writes the figures there too`

const START_BUDGET_SECONDS = 15
const MEMORY_BUDGET_BYTES = 1.5 * 1024 ** 3
const REST_MS = 10_000

const print = (line = ''): void => void process.stdout.write(`${line}\n`)
const mebibytes = (bytes: number): string => (bytes / 1024 ** 2).toFixed(0)

export async function benchmarkStart(argumentsOfStart: string[]): Promise<void> {
  const { values } = parseCommandLine(USAGE, {
    args: argumentsOfStart,
    options: { runs: { type: 'string', default: '3' }, json: { type: 'string' }, help: { type: 'boolean' } },
  })
  if (values.help === true) return print(USAGE)
  const runs = positiveInteger('--runs', values.runs)

  await generateClients({ onProgress: print })
  using folder = temporaryFolder()
  const ports = await freePorts()
  let running: StackProcess | undefined
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => {
      interrupted = true
      void running?.stop()
    })
  }
  let interrupted = false
  const start = async (): Promise<StackProcess> => {
    running = await startStackProcess({ dataFolder: folder.path, ports })
    if (interrupted) throw await stoppedBecause('interrupted', running)
    return running
  }

  const first = await start()
  print(`first start, folder initialised: ${first.secondsUntilHealthy.toFixed(1)} s`)
  await first.stop()

  const starts: number[] = []
  const stops: number[] = []
  let memory: ReturnType<typeof readTreeMemory> = []
  for (let run = 1; run <= runs; run++) {
    const stack = await start()
    try {
      starts.push(stack.secondsUntilHealthy)
      if (run === runs) {
        await sleep(REST_MS)
        memory = readTreeMemory(stack.pid)
      }
    } finally {
      stops.push(await stack.stop())
    }
    if (interrupted) throw new Error('interrupted')
    print(
      `warm start ${run} of ${runs}: ${starts.at(-1)?.toFixed(1)} s, stopped in ${stops.at(-1)?.toFixed(1)} s`,
    )
  }

  const parts = sumByPart(memory)
  const total = sumOf(memory)
  print(
    `\nMemory ${REST_MS / 1000} s after the last start, MiB (PSS counts shared pages once, RSS in every process):\n`,
  )
  const cell = (bytes: number | undefined): string => (bytes === undefined ? '–' : mebibytes(bytes))
  for (const line of formatTable(
    ['part', 'processes', 'PSS', 'RSS'],
    [
      ...parts.map(({ part, processes, proportional, resident }) => [
        part,
        processes,
        cell(proportional),
        cell(resident),
      ]),
      ['all', memory.length, cell(total.proportional), cell(total.resident)],
    ],
  ))
    print(line)

  const slowest = Math.max(...starts)
  const passed = { start: slowest <= START_BUDGET_SECONDS, memory: size(total) <= MEMORY_BUDGET_BYTES }
  const verdict = (ok: boolean): string => (ok ? 'pass' : 'FAIL')
  print()
  for (const line of formatTable(
    ['', 'budget', 'measured', ''],
    [
      ['warm start, slowest', `${START_BUDGET_SECONDS} s`, `${slowest.toFixed(1)} s`, verdict(passed.start)],
      [
        'memory at rest',
        `${mebibytes(MEMORY_BUDGET_BYTES)} MiB`,
        `${mebibytes(size(total))} MiB`,
        verdict(passed.memory),
      ],
    ],
  ))
    print(line)
  if (values.json !== undefined) {
    writeFileSync(
      values.json,
      `${JSON.stringify({ starts, stops, memory: { parts, total }, passed }, null, 2)}\n`,
    )
  }
  if (!passed.start || !passed.memory) process.exitCode = 1
}

async function stoppedBecause(reason: string, stack: StackProcess): Promise<Error> {
  await stack.stop()
  return new Error(reason)
}
