import type { Environment } from '#platform/config.ts'
import { API_KEY, createTestClient, temporaryFolder } from '../shared/test-support.ts'
import { startProvider } from './main.ts'

/** A provider on a free port with a ledger of its own, which can be started again from it. */
export async function startTestProvider(environment: Environment = {}) {
  const folder = temporaryFolder()
  const ledger = folder.file('provider.jsonl')
  const start = async (changed: Environment = {}) => {
    const provider = await startProvider({
      PROVIDER_PORT: '0',
      PROVIDER_API_KEY: API_KEY,
      PROVIDER_LEDGER: ledger,
      LOG_LEVEL: 'silent',
      ...environment,
      ...changed,
    })
    return { ...createTestClient(provider.url), url: provider.url, stop: () => provider.stop() }
  }
  let running = await start()
  return {
    ledger,
    /** The provider that runs now. */
    api: () => running,
    async restart(changed?: Environment) {
      await running.stop()
      running = await start(changed)
      return running
    },
    async end(): Promise<void> {
      await running.stop()
      folder.remove()
    },
  }
}

export type TestProvider = Awaited<ReturnType<typeof startTestProvider>>

/** The body of an authorization, with what a test changes. */
export const charge = (changed: object = {}) => ({
  amount: 10_000,
  currency: 'EUR',
  paymentMethod: 'pm_card_visa',
  reference: 'order-1:authorize:1',
  ...changed,
})
