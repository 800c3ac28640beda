import type { Environment } from '#platform/config.ts'
import { hasNameOf, loadExtension } from '#platform/extension.ts'
import type { PaymentProvider, ProviderContext } from './provider.ts'

type CreateProvider = (environment: Environment, context: ProviderContext) => PaymentProvider

const isCreateProvider = (exported: unknown): exported is CreateProvider => typeof exported === 'function'

/**
 * Loads `./NAME/provider.ts`, which exports `createProvider(environment, context)`.
 *
 * @throws ConfigError when there is no such folder, it has another name, or what it needs is missing in the environment
 */
export async function loadProvider(
  name: string,
  environment: Environment,
  context: ProviderContext,
): Promise<PaymentProvider> {
  const createProvider = await loadExtension({
    what: 'payment provider',
    name,
    folder: 'services/payments/providers',
    load: (folder) => import(`./${folder}/provider.ts`),
    part: 'createProvider',
    accepts: isCreateProvider,
  })
  return hasNameOf({ what: 'payment provider', name }, createProvider(environment, context))
}
