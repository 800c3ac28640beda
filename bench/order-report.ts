/** The figures of `npm run bench -- orders` as text. */
import type { Counts } from './counters.ts'
import type { HistoryCosts } from './history-costs.ts'
import { shares, type ProcessorTime } from './processor-time.ts'
import type { Phase } from './processor-clock.ts'
import type { OrderHistoryCosts } from './read-history-costs.ts'
import { RATES_HEAD, ratesTable, type Rates } from './rounds.ts'
import { percentile } from './statistics.ts'
import { formatTable } from './table.ts'

export interface OrderBenchmarkOptions {
  orders: number
  concurrency: number
  rounds: number
}

export interface OrderFigures {
  options: OrderBenchmarkOptions
  rates: Rates[]
  median: Rates
  acceptMilliseconds: { loaded: number[]; burst: number[] }
  burstCallers: number
  confirmMilliseconds: number[]
  perOrder: Counts
  histories: OrderHistoryCosts
  /** By phase: `idle`, `confirmed` and `completed` (of the orders), `bare` and `skeleton`. */
  processors: ReadonlyMap<string, Phase>
}

export function report(figures: OrderFigures, targetRatio: number): string[] {
  const { options, rates, median } = figures
  const passed = median.ratio >= targetRatio
  return [
    '',
    `${options.rounds} rounds of ${options.orders}, ${options.concurrency} at a time, by second:`,
    '',
    ...formatTable(RATES_HEAD, ratesTable(rates)),
    '',
    `ratio ${median.ratio.toFixed(2)}, target ${targetRatio}: ${passed ? 'pass' : 'FAIL'}`,
    '',
    ...latencies(figures),
    '',
    ...histories(figures.histories),
    '',
    ...formatTable(['by order, beyond an idle stack', ''], [...figures.perOrder].map(oneDecimal)),
    '',
    ...processors(figures),
  ]
}

const oneDecimal = ([name, value]: [string, number]): [string, string] => [name, value.toFixed(1)]

function latencies({
  acceptMilliseconds,
  burstCallers,
  options,
  confirmMilliseconds,
}: OrderFigures): string[] {
  const row = (name: string, values: readonly number[]): string[] => [
    name,
    ...[0.5, 0.99].map((share) => percentile(values, share).toFixed(0)),
  ]
  return formatTable(
    ['milliseconds', 'p50', 'p99'],
    [
      row(`POST → 201, ${burstCallers} callers without pause`, acceptMilliseconds.burst),
      row(`POST → 201, ${options.concurrency} orders under way`, acceptMilliseconds.loaded),
      row(`POST → confirmed, ${options.concurrency} orders under way`, confirmMilliseconds),
    ],
  )
}

function histories({ untilConfirmed, order, shipment }: OrderHistoryCosts): string[] {
  const row = (name: string, costs: HistoryCosts): string[] => [
    name,
    ...[costs.events, costs.workflowTasks, costs.activities, costs.localActivities].map((figure) =>
      figure.toFixed(1),
    ),
  ]
  return formatTable(
    ['history', 'events', 'workflow tasks', 'activities', 'local activities'],
    [row('order until confirmed', untilConfirmed), row('order', order), row('shipment', shipment)],
  )
}

function processors({ processors: phases, options }: OrderFigures): string[] {
  const lines: string[] = []
  const count = options.orders * options.rounds
  for (const [name, units] of [
    ['confirmed', count],
    ['completed', count],
    ['skeleton', count],
    ['bare', count],
  ] as const) {
    const phase = phases.get(name)
    if (phase !== undefined) lines.push(...whoWorked(WHAT[name], phase, units), '')
  }
  const [idle, busy] = [phases.get('idle'), phases.get('confirmed')]
  if (idle !== undefined) {
    lines.push(`An idle stack uses ${percent(sum(idle.parts) / idle.seconds)} of one processor.`)
  }
  const [most, next] = busy === undefined ? [] : shares(busy.parts)
  if (most !== undefined && next !== undefined) {
    lines.push(
      `Until orders are confirmed, ${most.name} costs most: ${percent(most.share)} of the processor time; ` +
        `${next.name} comes next with ${percent(next.share)}.`,
    )
  }
  return lines
}

const WHAT = {
  confirmed: 'orders until confirmed',
  completed: 'orders from there to completed',
  skeleton: 'skeletons of orders',
  bare: 'bare workflows',
} as const

function whoWorked(name: string, { seconds, parts, threads }: Phase, units: number): string[] {
  const rows = (times: ProcessorTime, indent: string): string[][] =>
    shares(times).map((row) => [
      `${indent}${row.name}`,
      percent(row.seconds / sum(parts)),
      (row.seconds / seconds).toFixed(2),
      ((row.seconds / units) * 1000).toFixed(1),
    ])
  const nodeLast = new Map([...parts].filter(([part]) => part !== 'Node'))
  const node = new Map([...parts].filter(([part]) => part === 'Node'))
  const all = new Map([['everything', sum(parts)]])
  return formatTable(
    [`processor time, ${name}`, 'share', 'processors', 'ms each'],
    [...rows(nodeLast, ''), ...rows(node, ''), ...rows(threads, '  '), ...rows(all, '')],
  )
}

const sum = (times: ProcessorTime): number => [...times.values()].reduce((all, seconds) => all + seconds, 0)

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`
