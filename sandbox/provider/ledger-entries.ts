/** What the provider's ledger holds: one entry per effect, from which the whole state is rebuilt. */
import Type, { type Static } from 'typebox'
import { Amount, Closed, Currency, Timestamp } from '#contracts/schemas.ts'
import { KeyedRequest, WebhookEntry, WebhookEvent } from '../shared/ledger-entries.ts'

const about = { at: Timestamp, authorizationId: Type.String(), reference: Type.String() }
const caused = { request: KeyedRequest, event: Type.Optional(WebhookEvent) }

const Authorized = Closed({
  type: Type.Literal('authorization'),
  ...about,
  status: Type.Enum(['authorized', 'declined', 'requires_action']),
  amount: Amount,
  currency: Currency,
  paymentMethod: Type.String(),
  customer: Type.Optional(Type.String()),
  declineCode: Type.Optional(Type.String()),
  /** Opens the page where a person approves. */
  actionToken: Type.Optional(Type.String()),
  expiresAt: Timestamp,
  ...caused,
})

/** A person approved or declined. */
const Authenticated = Closed({
  type: Type.Literal('authentication'),
  ...about,
  approved: Type.Boolean(),
  event: Type.Optional(WebhookEvent),
})

const Captured = Closed({
  type: Type.Literal('capture'),
  ...about,
  operationId: Type.String(),
  amount: Amount,
  /** What this capture gave back because it was the last one. */
  released: Amount,
  ...caused,
})

const Voided = Closed({
  type: Type.Literal('void'),
  ...about,
  operationId: Type.String(),
  /** What was released. */
  amount: Amount,
  ...caused,
})

const Refunded = Closed({
  type: Type.Literal('refund'),
  ...about,
  operationId: Type.String(),
  amount: Amount,
  reason: Type.Optional(Type.String()),
  ...caused,
})

/** The customer's bank takes captured money back, and decides later whether for good. */
const Disputed = Closed({
  type: Type.Literal('dispute'),
  ...about,
  disputeId: Type.String(),
  amount: Amount,
  outcome: Type.Enum(['opened', 'won', 'lost']),
  event: Type.Optional(WebhookEvent),
})

/** An operation that the rules of money, or a bank, refused: it changed nothing, its answer is repeated. */
const Refused = Closed({
  type: Type.Literal('refusal'),
  ...about,
  code: Type.String(),
  request: KeyedRequest,
})

/** A call that failed before it was executed. */
const Failed = Closed({ type: Type.Literal('failure'), at: Timestamp, reference: Type.String() })

const FaultsCleared = Closed({ type: Type.Literal('faults_cleared'), at: Timestamp })

const MoneyEntry = Type.Union([Authorized, Authenticated, Captured, Voided, Refunded, Disputed])
export type MoneyEntry = Static<typeof MoneyEntry>

type Without<Entry, Key extends PropertyKey> = Entry extends unknown ? Omit<Entry, Key> : never

/** What happened to an authorization, without who asked for it and who is told. */
export type Effect = Without<MoneyEntry, 'request' | 'event'>

/** An effect that nobody asked for by the API: a person, or their bank, did something. */
export type OutsideEffect = Extract<Effect, { type: 'authentication' | 'dispute' }>

/** An effect that an API call asked for. */
export type RequestedEffect = Exclude<Effect, OutsideEffect>

export const ProviderEntry = Type.Union([MoneyEntry, Refused, Failed, FaultsCleared, WebhookEntry])
export type ProviderEntry = Static<typeof ProviderEntry>
