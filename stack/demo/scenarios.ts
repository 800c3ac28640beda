/** Every scenario of the demo by its name. */
import type { Scenario } from './scenario.ts'
import { attention } from './scenarios/attention.ts'
import { declined } from './scenarios/declined.ts'
import { happy } from './scenarios/happy.ts'
import { outOfStock } from './scenarios/out-of-stock.ts'
import { shortage } from './scenarios/shortage.ts'
import { split } from './scenarios/split.ts'
import { unknownPayment } from './scenarios/unknown-payment.ts'

export const SCENARIOS = {
  happy,
  split,
  shortage,
  'out-of-stock': outOfStock,
  declined,
  'unknown-payment': unknownPayment,
  attention,
} as const satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof SCENARIOS

export const isScenario = (name: string): name is ScenarioName => Object.hasOwn(SCENARIOS, name)
