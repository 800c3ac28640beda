import { loadExtension } from '#platform/extension.ts'
import type { TaxPolicy } from './tax-policy.ts'

const isTaxPolicy = (exported: unknown): exported is TaxPolicy =>
  typeof exported === 'object' &&
  exported !== null &&
  'rateOf' in exported &&
  typeof exported.rateOf === 'function' &&
  'shippingRateOf' in exported &&
  typeof exported.shippingRateOf === 'function'

/**
 * Loads `./policies/NAME.ts`, which exports `taxPolicy`.
 *
 * @throws ConfigError when there is no such policy
 */
export const loadTaxPolicy = (name: string): Promise<TaxPolicy> =>
  loadExtension({
    what: 'tax policy',
    name,
    folder: 'services/orders/pricing/tax/policies',
    load: (file) => import(`./policies/${file}.ts`),
    part: 'taxPolicy',
    accepts: isTaxPolicy,
  })
