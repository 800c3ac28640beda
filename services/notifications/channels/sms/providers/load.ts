import { ConfigError } from '#platform/config.ts'
import type { SmsProvider, SmsProviderOptions } from './provider.ts'

interface SmsProviderModule {
  createSmsProvider(options: SmsProviderOptions): SmsProvider
}

const isSmsProviderModule = (module: unknown): module is SmsProviderModule =>
  typeof module === 'object' &&
  module !== null &&
  'createSmsProvider' in module &&
  typeof module.createSmsProvider === 'function'

/**
 * Loads `./NAME/provider.ts`, which exports `createSmsProvider(options)`.
 *
 * @throws ConfigError when there is no such folder
 */
export async function loadSmsProvider(name: string, options: SmsProviderOptions): Promise<SmsProvider> {
  const module = await importProvider(name)
  if (!isSmsProviderModule(module)) {
    throw new ConfigError(`The SMS provider ${name} exports no createSmsProvider.`)
  }
  return module.createSmsProvider(options)
}

async function importProvider(name: string): Promise<unknown> {
  try {
    const module: unknown = await import(`./${name}/provider.ts`)
    return module
  } catch (cause) {
    throw new ConfigError(
      `The SMS provider ${name} cannot be loaded from services/notifications/channels/sms/providers.`,
      { cause },
    )
  }
}
