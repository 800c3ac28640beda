import { loadExtension } from '#platform/extension.ts'
import type { AllocationStrategy } from './allocation.ts'

const isStrategy = (exported: unknown): exported is AllocationStrategy => typeof exported === 'function'

/**
 * Loads `./strategies/NAME.ts`, which exports `allocate`.
 *
 * @throws ConfigError when there is no such strategy
 */
export const loadAllocation = (name: string): Promise<AllocationStrategy> =>
  loadExtension({
    what: 'allocation',
    name,
    folder: 'services/inventory/allocation/strategies',
    load: (file) => import(`./strategies/${file}.ts`),
    part: 'allocate',
    accepts: isStrategy,
  })
