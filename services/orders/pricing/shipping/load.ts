import { loadExtension } from '#platform/extension.ts'
import type { ShippingRates } from './shipping-rates.ts'

const isShippingRates = (exported: unknown): exported is ShippingRates =>
  typeof exported === 'object' &&
  exported !== null &&
  'costOf' in exported &&
  typeof exported.costOf === 'function'

/**
 * Loads `./rates/NAME.ts`, which exports `shippingRates`.
 *
 * @throws ConfigError when there are no such rates
 */
export const loadShippingRates = (name: string): Promise<ShippingRates> =>
  loadExtension({
    what: 'shipping rates',
    name,
    folder: 'services/orders/pricing/shipping/rates',
    load: (file) => import(`./rates/${file}.ts`),
    part: 'shippingRates',
    accepts: isShippingRates,
  })
