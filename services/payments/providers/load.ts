import { ConfigError, type Environment } from '#platform/config.ts'
import type { PaymentProvider, ProviderContext } from './provider.ts'

interface ProviderModule {
  createProvider(environment: Environment, context: ProviderContext): PaymentProvider
}

const isProviderModule = (module: unknown): module is ProviderModule =>
  typeof module === 'object' &&
  module !== null &&
  'createProvider' in module &&
  typeof module.createProvider === 'function'

/**
 * Loads `./NAME/provider.ts`, which exports `createProvider(environment, context)`.
 *
 * @throws ConfigError when there is no such folder, or what it needs is missing in the environment
 */
export async function loadProvider(
  name: string,
  environment: Environment,
  context: ProviderContext,
): Promise<PaymentProvider> {
  const module = await importProvider(name)
  if (!isProviderModule(module))
    throw new ConfigError(`The payment provider ${name} exports no createProvider.`)
  return module.createProvider(environment, context)
}

async function importProvider(name: string): Promise<unknown> {
  try {
    const module: unknown = await import(`./${name}/provider.ts`)
    return module
  } catch (cause) {
    throw new ConfigError(`The payment provider ${name} cannot be loaded from services/payments/providers.`, {
      cause,
    })
  }
}
