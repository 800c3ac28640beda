import { ConfigError } from '#platform/config.ts'
import type { AllocationStrategy } from './allocation.ts'

const isStrategyModule = (module: unknown): module is { allocate: AllocationStrategy } =>
  typeof module === 'object' &&
  module !== null &&
  'allocate' in module &&
  typeof module.allocate === 'function'

/**
 * Loads `./strategies/NAME.ts`, which exports `allocate`.
 *
 * @throws ConfigError when there is no such strategy
 */
export async function loadAllocation(name: string): Promise<AllocationStrategy> {
  const module = await importStrategy(name)
  if (!isStrategyModule(module)) throw new ConfigError(`The allocation ${name} exports no allocate.`)
  return module.allocate
}

async function importStrategy(name: string): Promise<unknown> {
  try {
    const module: unknown = await import(`./strategies/${name}.ts`)
    return module
  } catch (cause) {
    throw new ConfigError(
      `The allocation ${name} cannot be loaded from services/inventory/allocation/strategies.`,
      {
        cause,
      },
    )
  }
}
