import Type from 'typebox'
import type * as vitest from 'vitest'
import type { Environment } from '#platform/config.ts'
import { parser } from '#platform/validation.ts'
import { API_KEY, createTestClient, temporaryFolder, type Answer } from '../shared/test-support.ts'
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

/** Whatever entries came; tests say what they expect of them. */
const parseLedger = parser(
  'the ledger',
  Type.Object({ data: Type.Array(Type.Record(Type.String(), Type.Unknown())) }),
)

/** What one does with an authorization, at the provider that the test has now; `expect` is the test's. */
export function authorizationCalls(current: () => TestProvider, expect: typeof vitest.expect) {
  const post = (path: string, body?: unknown, key?: string): Promise<Answer> =>
    current().api().post(`/v1/authorizations${path}`, body, key)
  const read = async (id: string) => (await current().api().get(`/v1/authorizations/${id}`)).body
  return {
    authorize: (changed: object = {}, key?: string) => post('', charge(changed), key),
    capture: (id: string, body: object, key?: string) => post(`/${id}/captures`, body, key),
    voidIt: (id: string, key?: string) => post(`/${id}/void`, undefined, key),
    refund: (id: string, body: object) => post(`/${id}/refunds`, body),
    read,
    ledger: async (query = '') => parseLedger((await current().api().get(`/ledger${query}`)).body).data,
    /** Refused with this code, and the authorization is what it was. */
    async expectRefused(id: string, call: () => Promise<Answer>, status: number, code: string) {
      const before = await read(id)
      const answer = await call()
      expect(answer).toMatchObject({
        status,
        contentType: 'application/problem+json',
        body: { status, code },
      })
      expect(await read(id)).toEqual(before)
    },
  }
}
