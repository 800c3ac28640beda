import { ConfigError } from '#platform/config.ts'
import type { PaymentProvider, ProviderOptions } from './provider.ts'

interface ProviderModule {
  createProvider(options: ProviderOptions): PaymentProvider
}

const isProviderModule = (module: unknown): module is ProviderModule =>
  typeof module === 'object' &&
  module !== null &&
  'createProvider' in module &&
  typeof module.createProvider === 'function'

/**
 * Loads `./NAME/provider.ts`, which exports `createProvider(options)`.
 *
 * @throws ConfigError when there is no such folder
 */
export async function loadProvider(name: string, options: ProviderOptions): Promise<PaymentProvider> {
  const module = await importProvider(name)
  if (!isProviderModule(module))
    throw new ConfigError(`The payment provider ${name} exports no createProvider.`)
  return module.createProvider(options)
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
