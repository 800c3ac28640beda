/** How the tests run the stack: the same parts, with shorter waits and fewer attempts. */
import { inject } from 'vitest'
import type { Ports } from '#contracts/services.ts'
import type { Environment } from '#platform/config.ts'
import type { CheckTarget } from '#stack/check/sources.ts'

export const FAST_SETTINGS: Environment = {
  LOG_LEVEL: 'warn',
  // the tries of each last longer than a circuit breaker stays open, which a loaded machine alone can open
  SAGA_STEP_ATTEMPTS: '6',
  SAGA_COMPENSATION_ATTEMPTS: '5',
  SAGA_MAXIMUM_INTERVAL_SECONDS: '1',
  AMENDMENT_SECONDS: '0',
  CARRIER_DISPATCH_MS: '200',
  CARRIER_DELIVERY_MS: '200',
  PROVIDER_TIMEOUT_MS: '2500',
  ATTEMPT_MARGIN_MS: '200',
  PROVIDER_SLOW_MS: '1500',
  // every test is a customer of its own, all from one address
  LIMIT_IP_PER_MINUTE: '100000',
  LIMIT_AUTH_PER_MINUTE: '10000',
  LIMIT_USERS_PER_MINUTE: '10000',
}

/** What a test file is told of the stack it works with. */
export interface TestStack {
  gatewayUrl: string
  ports: Ports
  target: CheckTarget
  dataFolder: string
}

/** The stack of the worker that runs this file: no other file uses it at the same time. */
export function ourStack(): TestStack {
  const stack = inject('stacks')[Number(process.env['VITEST_POOL_ID']) - 1]
  if (stack === undefined)
    throw new Error(`no stack was started for worker ${process.env['VITEST_POOL_ID'] ?? 'without a number'}`)
  return stack
}
