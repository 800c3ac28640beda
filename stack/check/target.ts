import { loadPlatformKeys } from '../platform-keys.ts'
import type { Stack } from '../stack.ts'
import type { CheckTarget } from './sources.ts'

/** Where the checker finds everything of a stack. */
export async function checkTargetOf({ infrastructure, ports, dataFolder }: Stack): Promise<CheckTarget> {
  const operator = infrastructure.natsCredentials['operator']
  if (operator === undefined) throw new Error('the stack made no NATS user for the operator')
  const keys = await loadPlatformKeys(dataFolder)
  return {
    superuserUrl: infrastructure.postgres.superuserUrl,
    natsUrl: `nats://${infrastructure.natsAddress}`,
    nats: operator,
    temporalAddress: infrastructure.temporalAddress,
    temporalNamespace: infrastructure.temporalNamespace,
    providerUrl: `http://127.0.0.1:${ports.provider}`,
    providerApiKey: keys.providerApiKey,
  }
}
