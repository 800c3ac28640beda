/** What the alternating rounds of the benchmark measured, and the rates and ratios that follow. */
import { median } from './statistics.ts'

export interface Round {
  /** Orders, and as many bare workflows. */
  count: number
  secondsToConfirmed: number
  secondsToCompleted: number
  bareSeconds: number
}

export interface Rates {
  confirmed: number
  completed: number
  bare: number
  /** Orders confirmed by bare workflow. */
  ratio: number
}

/** By second. */
export function ratesOf({ count, secondsToConfirmed, secondsToCompleted, bareSeconds }: Round): Rates {
  return {
    confirmed: count / secondsToConfirmed,
    completed: count / secondsToCompleted,
    bare: count / bareSeconds,
    ratio: bareSeconds / secondsToConfirmed,
  }
}

/** Each figure's own median, the ratio's too: it is that of the rounds, not that of the other medians. */
export function medianRates(rates: readonly Rates[]): Rates {
  return {
    confirmed: median(rates.map(({ confirmed }) => confirmed)),
    completed: median(rates.map(({ completed }) => completed)),
    bare: median(rates.map(({ bare }) => bare)),
    ratio: median(rates.map(({ ratio }) => ratio)),
  }
}

/** Rows for a table: each round, then the median. */
export function ratesTable(rates: readonly Rates[]): (string | number)[][] {
  const row = (name: string, { confirmed, completed, bare, ratio }: Rates): (string | number)[] => [
    name,
    confirmed.toFixed(1),
    completed.toFixed(1),
    bare.toFixed(1),
    ratio.toFixed(2),
  ]
  return [...rates.map((rate, index) => row(`round ${index + 1}`, rate)), row('median', medianRates(rates))]
}
