/** Every scenario of the demo by its name. */
import type { Scenario } from './scenario.ts'
import { amend } from './scenarios/amend.ts'
import { attention } from './scenarios/attention.ts'
import { backorder } from './scenarios/backorder.ts'
import { cancelLate } from './scenarios/cancel-late.ts'
import { declined } from './scenarios/declined.ts'
import { happy } from './scenarios/happy.ts'
import { lost } from './scenarios/lost.ts'
import { newCard } from './scenarios/new-card.ts'
import { outOfStock } from './scenarios/out-of-stock.ts'
import { returned } from './scenarios/return.ts'
import { shortage } from './scenarios/shortage.ts'
import { split } from './scenarios/split.ts'
import { threeDSecure } from './scenarios/3ds.ts'
import { unknownPayment } from './scenarios/unknown-payment.ts'

export const SCENARIOS = {
  happy,
  split,
  shortage,
  backorder,
  'out-of-stock': outOfStock,
  '3ds': threeDSecure,
  'new-card': newCard,
  declined,
  amend,
  'cancel-late': cancelLate,
  lost,
  return: returned,
  'unknown-payment': unknownPayment,
  attention,
} as const satisfies Record<string, Scenario>

export type ScenarioName = keyof typeof SCENARIOS

export const isScenario = (name: string): name is ScenarioName => Object.hasOwn(SCENARIOS, name)
