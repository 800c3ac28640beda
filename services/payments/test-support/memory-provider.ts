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
  /** The customer answers at the bank's page. */
  authenticate(reference: string, approved: boolean): void
}

const DECLINED = 'pm_card_visa_chargeDeclined'
const METHODS = ['pm_card_visa', DECLINED, 'pm_card_authenticationRequired']

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
  lifetimeMs,
}: {
  multicapture?: boolean
  keyLifetimeHours?: number
  lookupByReference?: boolean
  lifetimeMs?: number
} = {}) {
  const answers = new Map<string, { parameters: string; outcome: ProviderOutcome }>()
  const provider: MemoryProvider = {
    name: 'memory',
    capabilities: { multicapture, keyLifetimeHours, lookupByReference },
    authorizations: [],
    calls: [],
    intercept: answerSoon,
    unreadable: false,

    authenticate(reference, approved) {
      const known = provider.authorizations.find((each) => each.reference === reference)
      if (known?.state !== 'requires_action') throw new Error(`nobody waits for ${reference}`)
      known.state = approved ? 'approved' : 'declined'
      known.actionUrl = null
      if (!approved) known.declineCode = 'authentication_failed'
    },

    authorize: (request, key) =>
      call({ operation: 'authorize', key }, JSON.stringify(request), () => {
        const { amount, paymentMethod, reference } = request
        if (!METHODS.includes(paymentMethod)) return { outcome: 'declined', code: 'payment_method_unknown' }
        const authorization: ProviderAuthorization = {
          id: `auth_${provider.authorizations.length + 1}`,
          reference,
          state: stateOf(paymentMethod),
          amount,
          captured: 0,
          refunded: 0,
          released: 0,
          brand: 'visa',
          last4: '4242',
          declineCode: paymentMethod === DECLINED ? 'card_declined' : null,
          actionUrl: stateOf(paymentMethod) === 'requires_action' ? `https://bank.test/${reference}` : null,
          expiresAt: lifetimeMs === undefined ? null : new Date(Date.now() + lifetimeMs).toISOString(),
          disputes: [],
        }
        provider.authorizations.push(authorization)
        if (paymentMethod === DECLINED) return { outcome: 'declined', code: 'card_declined' }
        const outcome = authorization.state === 'approved' ? 'succeeded' : 'requires_action'
        return { outcome, authorization: { ...authorization } }
      }),

    capture: (id, amount, key) =>
      call({ operation: 'capture', key }, `${id} ${amount}`, () =>
        change(id, (known) => {
          if (runOut(known)) return 'authorization_expired'
          if (openAt(known) < amount) return 'capture_exceeds_authorized'
          known.captured += amount
          if (!multicapture) known.released = known.amount - known.captured
          return undefined
        }),
      ),

    void: (id, key) =>
      call({ operation: 'void', key }, id, () =>
        change(id, (known) => {
          if (openAt(known) === 0 && known.state !== 'requires_action') return 'nothing_to_void'
          known.released += openAt(known)
          if (known.captured === 0) known.state = 'closed'
          return undefined
        }),
      ),

    refund: (id, { amount }, key) =>
      call({ operation: 'refund', key }, `${id} ${amount}`, () =>
        change(id, (known) => {
          if (known.captured - known.refunded < amount) return 'refund_exceeds_captured'
          known.refunded += amount
          return undefined
        }),
      ),

    find: async (id) => copy(read().find((each) => each.id === id)),
    findByReference: async (reference) => copy(read().find((each) => each.reference === reference)),
    verifyWebhook: () => undefined,
  }
  return provider

  function call(
    request: ProviderCall,
    parameters: string,
    work: () => ProviderOutcome,
  ): Promise<ProviderOutcome> {
    provider.calls.push(request)
    return provider.intercept(request, () => {
      const known = answers.get(request.key) ?? { parameters, outcome: work() }
      answers.set(request.key, known)
      if (known.parameters === parameters) return known.outcome
      return { outcome: 'unknown', cause: new Error('this key came before with other parameters') }
    })
  }

  function change(id: string, work: (known: ProviderAuthorization) => string | undefined): ProviderOutcome {
    const known = provider.authorizations.find((each) => each.id === id)
    const refusal = known === undefined ? 'not_found' : work(known)
    if (known === undefined || typeof refusal === 'string')
      return { outcome: 'declined', code: refusal ?? 'refused' }
    return { outcome: 'succeeded', authorization: { ...known } }
  }

  function read(): ProviderAuthorization[] {
    if (provider.unreadable) throw new Error('the provider is away')
    for (const known of provider.authorizations) runOut(known)
    return provider.authorizations
  }
}

function stateOf(paymentMethod: string): ProviderAuthorization['state'] {
  if (paymentMethod === DECLINED) return 'declined'
  return paymentMethod === 'pm_card_visa' ? 'approved' : 'requires_action'
}

/** What nobody captured in time is gone. */
function runOut(known: ProviderAuthorization): boolean {
  if (known.expiresAt === null || known.expiresAt > new Date().toISOString()) return false
  known.released += openAt(known)
  if (known.captured === 0 && known.state !== 'declined') known.state = 'closed'
  return true
}

const copy = (found: ProviderAuthorization | undefined) =>
  found === undefined ? undefined : structuredClone(found)
