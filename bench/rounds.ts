/** What the alternating rounds of the benchmark measured, and the rates and ratios that follow. */
import { median } from './statistics.ts'

export interface Round {
  /** Orders, and as many of each yardstick. */
  count: number
  secondsToConfirmed: number
  secondsToCompleted: number
  bareSeconds: number
  skeletonSeconds: number
}

export interface Rates {
  confirmed: number
  completed: number
  bare: number
  skeleton: number
  /** Orders confirmed by bare workflow. */
  ratio: number
  /** Orders confirmed by skeleton of an order: what of Temporal's own rate is left when the work is done. */
  skeletonRatio: number
}

/** By second. */
export function ratesOf(round: Round): Rates {
  const { count, secondsToConfirmed, secondsToCompleted, bareSeconds, skeletonSeconds } = round
  return {
    confirmed: count / secondsToConfirmed,
    completed: count / secondsToCompleted,
    bare: count / bareSeconds,
    skeleton: count / skeletonSeconds,
    ratio: bareSeconds / secondsToConfirmed,
    skeletonRatio: skeletonSeconds / secondsToConfirmed,
  }
}

/** Each figure's own median, the ratio's too: it is that of the rounds, not that of the other medians. */
export function medianRates(rates: readonly Rates[]): Rates {
  const of = (figure: (rate: Rates) => number): number => median(rates.map(figure))
  return {
    confirmed: of(({ confirmed }) => confirmed),
    completed: of(({ completed }) => completed),
    bare: of(({ bare }) => bare),
    skeleton: of(({ skeleton }) => skeleton),
    ratio: of(({ ratio }) => ratio),
    skeletonRatio: of(({ skeletonRatio }) => skeletonRatio),
  }
}

export const RATES_HEAD = [
  '',
  'confirmed',
  'completed',
  'bare',
  'skeletons',
  'confirmed / bare',
  'confirmed / skeletons',
]

/** Rows for a table: each round, then the median. */
export function ratesTable(rates: readonly Rates[]): (string | number)[][] {
  const row = (
    name: string,
    { confirmed, completed, bare, skeleton, ratio, skeletonRatio }: Rates,
  ): (string | number)[] => [
    name,
    confirmed.toFixed(1),
    completed.toFixed(1),
    bare.toFixed(1),
    skeleton.toFixed(1),
    ratio.toFixed(2),
    skeletonRatio.toFixed(2),
  ]
  return [...rates.map((rate, index) => row(`round ${index + 1}`, rate)), row('median', medianRates(rates))]
}
