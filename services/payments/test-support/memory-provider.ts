/** A payment provider in memory that keeps the port's rules; tests step between a call and its answer. */
import { setTimeout as sleep } from 'node:timers/promises'
import {
  openAt,
  type PaymentProvider,
  type ProviderAuthorization,
  type ProviderOutcome,
} from '../providers/provider.ts'

export interface ProviderCall {
  operation: 'authorize' | 'capture' | 'void' | 'refund'
  key: string
}

/** Stands between the service and the provider: may wait, lose the answer, or never execute. */
export type Intercept = (call: ProviderCall, execute: () => ProviderOutcome) => Promise<ProviderOutcome>

export interface MemoryProvider extends PaymentProvider {
  authorizations: ProviderAuthorization[]
  /** Every call in order, repeats included. */
  calls: ProviderCall[]
  intercept: Intercept
  /** Reading fails while this is set. */
  unreadable: boolean
}

/** Executes after a moment, so that calls interleave. */
export const answerSoon: Intercept = async (_call, execute) => {
  await sleep(Math.random() * 4)
  const outcome = execute()
  await sleep(Math.random() * 4)
  return outcome
}

export function createMemoryProvider({
  multicapture = true,
  keyLifetimeHours = 24,
  lookupByReference = true,
} = {}) {
  const answers = new Map<string, ProviderOutcome>()
  const provider: MemoryProvider = {
    name: 'memory',
    capabilities: { multicapture, keyLifetimeHours, lookupByReference },
    authorizations: [],
    calls: [],
    intercept: answerSoon,
    unreadable: false,

    authorize: ({ amount, paymentMethod, reference }, key) =>
      call({ operation: 'authorize', key }, () => {
        const declined = paymentMethod.includes('Declined')
        const authorization: ProviderAuthorization = {
          id: `auth_${provider.authorizations.length + 1}`,
          reference,
          state: declined
            ? 'declined'
            : paymentMethod.includes('authentication')
              ? 'requires_action'
              : 'approved',
          amount,
          captured: 0,
          refunded: 0,
          released: 0,
          brand: 'visa',
          last4: '4242',
          declineCode: declined ? 'card_declined' : null,
        }
        provider.authorizations.push(authorization)
        if (declined) return { outcome: 'declined', code: 'card_declined' }
        const outcome = authorization.state === 'approved' ? 'succeeded' : 'requires_action'
        return { outcome, authorization: { ...authorization } }
      }),

    capture: (id, amount, key) =>
      call({ operation: 'capture', key }, () =>
        change(id, (known) => {
          if (openAt(known) < amount) return 'capture_exceeds_authorized'
          known.captured += amount
          if (!multicapture) known.released = known.amount - known.captured
        }),
      ),

    void: (id, key) =>
      call({ operation: 'void', key }, () =>
        change(id, (known) => {
          if (openAt(known) === 0 && known.state !== 'requires_action') return 'nothing_to_void'
          known.released += openAt(known)
          if (known.captured === 0) known.state = 'closed'
        }),
      ),

    refund: (id, { amount }, key) =>
      call({ operation: 'refund', key }, () =>
        change(id, (known) => {
          if (known.captured - known.refunded < amount) return 'refund_exceeds_captured'
          known.refunded += amount
        }),
      ),

    find: async (id) => copy(read().find((each) => each.id === id)),
    findByReference: async (reference) => copy(read().find((each) => each.reference === reference)),
    verifyWebhook: () => undefined,
  }
  return provider

  function call(request: ProviderCall, work: () => ProviderOutcome): Promise<ProviderOutcome> {
    provider.calls.push(request)
    return provider.intercept(request, () => {
      const outcome = answers.get(request.key) ?? work()
      answers.set(request.key, outcome)
      return outcome
    })
  }

  function change(id: string, work: (known: ProviderAuthorization) => string | void): ProviderOutcome {
    const known = provider.authorizations.find((each) => each.id === id)
    const refusal = known === undefined ? 'not_found' : work(known)
    if (known === undefined || typeof refusal === 'string')
      return { outcome: 'declined', code: refusal ?? 'refused' }
    return { outcome: 'succeeded', authorization: { ...known } }
  }

  function read(): ProviderAuthorization[] {
    if (provider.unreadable) throw new Error('the provider is away')
    return provider.authorizations
  }
}

const copy = (found: ProviderAuthorization | undefined) => (found === undefined ? undefined : { ...found })
