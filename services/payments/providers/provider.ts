/** What the payments service needs of a payment provider. A new provider is one folder beside `sandbox`. */
import type { Logger } from '#platform/logger.ts'

/** An authorization as the provider has it; amounts in minor units. */
export interface ProviderAuthorization {
  id: string
  /** Ours, given when it was made. */
  reference: string
  /** Approved ones may be captured since: the sums tell. Closed ones were voided or have expired with nothing captured. */
  state: 'approved' | 'declined' | 'requires_action' | 'closed'
  amount: number
  captured: number
  refunded: number
  released: number
  brand: string | null
  last4: string | null
  declineCode: string | null
  /** Where the customer approves it, while that is waited for. */
  actionUrl: string | null
  /** When it ends by itself (ISO 8601), where the provider says so. What was left then counts as released. */
  expiresAt: string | null
  disputes: ProviderDispute[]
}

/** The customer's bank takes captured money back: for now, or for good; won gives it to us again. */
export interface ProviderDispute {
  id: string
  amount: number
  status: 'open' | 'won' | 'lost'
}

/** The code of a capture that is declined because the authorization has run out. */
export const AUTHORIZATION_EXPIRED = 'authorization_expired'

/** What is known after a call that moves money. */
export type ProviderOutcome =
  | { outcome: 'succeeded'; authorization: ProviderAuthorization }
  /** The provider refused: nothing moved. */
  | { outcome: 'declined'; code: string }
  /** The customer must approve it first. */
  | { outcome: 'requires_action'; authorization: ProviderAuthorization }
  /** Sent, and no usable answer: it may have happened. */
  | { outcome: 'unknown'; cause: unknown }
  /** It never reached the provider, or was turned away at its door: nothing happened, the same key may be sent again. */
  | { outcome: 'not_sent'; cause: unknown }

export interface AuthorizeRequest {
  amount: number
  currency: string
  paymentMethod: string
  reference: string
  customer: string
}

/** A webhook that is genuine. It is a hint about what to read again, nothing more. */
export interface ProviderEvent {
  id: string
  /** The reference of the authorization it is about, or the provider's id of that: what the webhook says. */
  reference?: string
  authorizationId?: string
  /** How far the authorization was, where the webhook says all of it: only to see that it is nothing new. */
  figures?: ProviderFigures
}

/** How far an authorization has come. */
export type ProviderFigures = Pick<ProviderAuthorization, 'state' | 'captured' | 'refunded' | 'released'>

export interface PaymentProvider {
  readonly name: string
  readonly capabilities: {
    /** Whether an authorization takes several captures; otherwise the first one releases the rest. */
    readonly multicapture: boolean
    /** For how long the provider knows an idempotency key. */
    readonly keyLifetimeHours: number
    /** Whether `findByReference` works. */
    readonly lookupByReference: boolean
  }
  /** The operations never throw: what is known comes as the outcome. Keys are idempotency keys. */
  authorize(request: AuthorizeRequest, key: string): Promise<ProviderOutcome>
  capture(authorizationId: string, amount: number, key: string): Promise<ProviderOutcome>
  /** Releases what is not captured. */
  void(authorizationId: string, key: string): Promise<ProviderOutcome>
  refund(
    authorizationId: string,
    request: { amount: number; reason?: string },
    key: string,
  ): Promise<ProviderOutcome>
  /** Reading throws when the provider cannot be asked; undefined says that it has no such authorization. */
  find(authorizationId: string): Promise<ProviderAuthorization | undefined>
  findByReference(reference: string): Promise<ProviderAuthorization | undefined>
  /** Undefined when the signature, its time or the body is not right. */
  verifyWebhook(
    raw: Buffer,
    headers: Readonly<Record<string, string | string[] | undefined>>,
  ): ProviderEvent | undefined
}

/** What every provider is given beside its own variables, which it reads from the environment. */
export interface ProviderContext {
  timeoutMs: number
  logger: Logger
}

/** Money that is authorized and neither captured nor released. */
export const openAt = ({ state, amount, captured, released }: ProviderAuthorization): number =>
  state === 'approved' ? amount - captured - released : 0
