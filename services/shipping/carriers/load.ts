import { hasNameOf, loadExtension } from '#platform/extension.ts'
import type { Carrier, CarrierOptions } from './carrier.ts'

type CreateCarrier = (options: CarrierOptions) => Carrier

const isCreateCarrier = (exported: unknown): exported is CreateCarrier => typeof exported === 'function'

/**
 * Loads `./NAME/carrier.ts`, which exports `createCarrier(options)`.
 *
 * @throws ConfigError when there is no such folder, or it has another name
 */
export async function loadCarrier(name: string, options: CarrierOptions): Promise<Carrier> {
  const createCarrier = await loadExtension({
    what: 'carrier',
    name,
    folder: 'services/shipping/carriers',
    load: (folder) => import(`./${folder}/carrier.ts`),
    part: 'createCarrier',
    accepts: isCreateCarrier,
  })
  return hasNameOf({ what: 'carrier', name }, createCarrier(options))
}
