import { loadPlatformKeys } from '../platform-keys.ts'
import { superuserUrl } from '../postgres.ts'
import { loadSecrets } from '../secrets.ts'
import type { Stack } from '../stack.ts'
import type { CheckTarget } from './sources.ts'

/** Where the checker finds everything of a local stack, running or composed elsewhere: its data folder has the secrets. */
export async function checkTargetOf({
  dataFolder,
  ports,
}: Pick<Stack, 'dataFolder' | 'ports'>): Promise<CheckTarget> {
  const [secrets, keys] = [await loadSecrets(dataFolder), await loadPlatformKeys(dataFolder)]
  return {
    superuserUrl: superuserUrl(secrets, ports.postgres),
    natsUrl: `nats://127.0.0.1:${ports.nats}`,
    nats: { user: 'operator', password: secrets.nats['operator'] ?? '' },
    temporalAddress: `127.0.0.1:${ports.temporal}`,
    temporalNamespace: 'default',
    providerUrl: `http://127.0.0.1:${ports.provider}`,
    providerApiKey: keys.providerApiKey,
  }
}
