import { loadExtension } from '#platform/extension.ts'
import type { SmsProvider, SmsProviderOptions } from './provider.ts'

type CreateSmsProvider = (options: SmsProviderOptions) => SmsProvider

const isCreateSmsProvider = (exported: unknown): exported is CreateSmsProvider =>
  typeof exported === 'function'

/**
 * Loads `./NAME/provider.ts`, which exports `createSmsProvider(options)`.
 *
 * @throws ConfigError when there is no such folder
 */
export async function loadSmsProvider(name: string, options: SmsProviderOptions): Promise<SmsProvider> {
  const createSmsProvider = await loadExtension({
    what: 'SMS provider',
    name,
    folder: 'services/notifications/channels/sms/providers',
    load: (folder) => import(`./${folder}/provider.ts`),
    part: 'createSmsProvider',
    accepts: isCreateSmsProvider,
  })
  return createSmsProvider(options)
}
