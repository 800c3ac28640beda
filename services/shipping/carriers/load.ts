import { ConfigError } from '#platform/config.ts'
import type { Carrier, CarrierOptions } from './carrier.ts'

interface CarrierModule {
  createCarrier(options: CarrierOptions): Carrier
}

const isCarrierModule = (module: unknown): module is CarrierModule =>
  typeof module === 'object' &&
  module !== null &&
  'createCarrier' in module &&
  typeof module.createCarrier === 'function'

/**
 * Loads `./NAME/carrier.ts`, which exports `createCarrier(options)`.
 *
 * @throws ConfigError when there is no such folder
 */
export async function loadCarrier(name: string, options: CarrierOptions): Promise<Carrier> {
  const module = await importCarrier(name)
  if (!isCarrierModule(module)) throw new ConfigError(`The carrier ${name} exports no createCarrier.`)
  return module.createCarrier(options)
}

async function importCarrier(name: string): Promise<unknown> {
  try {
    const module: unknown = await import(`./${name}/carrier.ts`)
    return module
  } catch (cause) {
    throw new ConfigError(`The carrier ${name} cannot be loaded from services/shipping/carriers.`, { cause })
  }
}
