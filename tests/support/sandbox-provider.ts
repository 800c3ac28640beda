/** The sandbox's payment provider for one test, with a ledger of its own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Environment } from '#platform/config.ts'
import { createLogger } from '#platform/logger.ts'
import { startProvider } from '#sandbox/provider/main.ts'

export interface SandboxProvider {
  url: string
  apiKey: string
  /** Repairs captures and voids that fail on purpose. */
  clearFaults(): Promise<void>
  stop(): Promise<void>
}

const API_KEY = 'a-key-for-tests'

/** Starts it on a free port; `environment` adds to its configuration. */
export async function startSandboxProvider(environment: Environment = {}): Promise<SandboxProvider> {
  const folder = await mkdtemp(path.join(tmpdir(), 'mainstay-provider-'))
  const provider = await startProvider(
    {
      PROVIDER_PORT: '0',
      PROVIDER_API_KEY: API_KEY,
      PROVIDER_LEDGER: path.join(folder, 'ledger.jsonl'),
      ...environment,
    },
    createLogger({ service: 'provider', level: 'silent' }),
  )
  return {
    url: provider.url,
    apiKey: API_KEY,
    async clearFaults() {
      await fetch(new URL('/faults/clear', provider.url), { method: 'POST' })
    },
    async stop() {
      await provider.stop()
      await rm(folder, { recursive: true })
    },
  }
}
