/**
 * A wholesaler's own credit accounts instead of a payment company: customers order against a limit. The books are a map
 * here and would be a table; what matters is what every provider owes the platform, keys and outcomes.
 */
import { isDeepStrictEqual } from 'node:util'
import Type from 'typebox'
import { loadConfig, type Environment } from '#platform/config.ts'
import type {
  AuthorizeRequest,
  PaymentProvider,
  ProviderAuthorization,
  ProviderOutcome,
} from '#services/payments/providers/provider.ts'

/** What each account may owe at once, minor units. */
const LIMITS = new Map([
  ['account_bakery', 10_000_000],
  ['account_broke', 0],
])

/** Its variables are its own; a real one has them in a `config.ts` beside this file. */
const creditConfig = Type.Object({
  CREDIT_KEY_LIFETIME_HOURS: Type.Integer({
    minimum: 1,
    default: 24,
    description: 'for how long a repeated request gets its first answer',
  }),
})

export function createProvider(environment: Environment): PaymentProvider {
  const { CREDIT_KEY_LIFETIME_HOURS: keyLifetimeHours } = loadConfig(creditConfig, environment)
  const authorizations = new Map<string, ProviderAuthorization>()
  const answers = new Map<string, { request: unknown; outcome: ProviderOutcome }>()

  /** A repeated key gets the first answer; the same key for something else is refused, never executed. */
  function once(key: string, request: unknown, execute: () => ProviderOutcome): Promise<ProviderOutcome> {
    const known = answers.get(key)
    if (known !== undefined && !isDeepStrictEqual(known.request, request)) {
      return Promise.resolve(declined('key_reused'))
    }
    const outcome = known?.outcome ?? execute()
    answers.set(key, { request, outcome })
    return Promise.resolve(outcome)
  }

  /** Changes an authorization, or declines. Stored outcomes stay what they were: each change is a new object. */
  function change(
    id: string,
    apply: (known: ProviderAuthorization) => Partial<ProviderAuthorization> | string,
  ): ProviderOutcome {
    const known = authorizations.get(id)
    if (known === undefined) return declined('no_such_authorization')
    const changes = apply(known)
    if (typeof changes === 'string') return declined(changes)
    const authorization = { ...known, ...changes }
    authorizations.set(id, authorization)
    return { outcome: 'succeeded', authorization }
  }

  const owedBy = (account: string): number =>
    [...authorizations.values()]
      .filter(({ brand }) => brand === account)
      .reduce((sum, { amount, released, refunded }) => sum + amount - released - refunded, 0)

  function open({ amount, paymentMethod, reference }: AuthorizeRequest): ProviderOutcome {
    const limit = LIMITS.get(paymentMethod)
    if (limit === undefined) return declined('no_such_account')
    if (owedBy(paymentMethod) + amount > limit) return declined('limit_reached')
    const id = `credit_${authorizations.size + 1}`
    const authorization = { ...EMPTY, id, reference, amount, brand: paymentMethod }
    authorizations.set(id, authorization)
    return { outcome: 'succeeded', authorization }
  }

  return {
    name: 'credit',
    capabilities: { multicapture: true, keyLifetimeHours, lookupByReference: true },
    authorize: (request, key) => once(key, request, () => open(request)),
    capture: (id, amount, key) =>
      once(key, { id, amount }, () =>
        change(id, (known) =>
          amount > openAmount(known) ? 'too_much' : { captured: known.captured + amount },
        ),
      ),
    void: (id, key) =>
      once(key, { id, void: true }, () =>
        change(id, (known) => {
          const released = openAmount(known)
          if (released === 0) return 'nothing_open'
          const state = known.captured === 0 ? ('closed' as const) : known.state
          return { released: known.released + released, state }
        }),
      ),
    refund: (id, { amount }, key) =>
      once(key, { id, refund: amount }, () =>
        change(id, (known) =>
          amount > known.captured - known.refunded ? 'too_much' : { refunded: known.refunded + amount },
        ),
      ),
    find: (id) => Promise.resolve(authorizations.get(id)),
    findByReference: (reference) =>
      Promise.resolve([...authorizations.values()].find((known) => known.reference === reference)),
    // nothing happens here that the platform has not asked for
    verifyWebhook: () => undefined,
  }
}

const declined = (code: string): ProviderOutcome => ({ outcome: 'declined', code })

const openAmount = ({ amount, captured, released }: ProviderAuthorization): number =>
  amount - captured - released

const EMPTY: Omit<ProviderAuthorization, 'id' | 'reference' | 'amount'> = {
  state: 'approved',
  captured: 0,
  refunded: 0,
  released: 0,
  brand: null,
  last4: null,
  declineCode: null,
  actionUrl: null,
  expiresAt: null,
  disputes: [],
}
