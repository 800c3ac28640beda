/**
 * The port to a way of telling somebody of events: e-mail, text messages, merchants' webhooks. A channel is a folder
 * beside this file with a `channel.ts` that exports `createChannel`; it is used where `CHANNELS` names it.
 */
import type { Static, TObject } from 'typebox'
import type { AnyDomainEvent } from '#contracts/events.ts'
import type { EventBus } from '#platform/events/event-bus.ts'
import type { Probe } from '#platform/health.ts'
import type { HttpServer } from '#platform/http/server.ts'
import type { Stoppable } from '#platform/lifecycle.ts'
import type { Logger } from '#platform/logger.ts'
import type { CallerVerifier } from '#platform/service-token.ts'
import type { FindContact } from '../contacts.ts'
import type { OrderCustomers } from '../order-customers.ts'
import type { SendOnce } from '../send-once.ts'

export interface Channel {
  /** Its folder's name; its durable consumer is `notifications-NAME`. */
  readonly name: string
  /** Which events it is given: subject filters. None: it is switched off. */
  readonly subjects: string[]
  /**
   * Tells whoever is to know of the event. Returns once that is done, handed over for good, or nobody's business here;
   * throws to be given the event again. The event comes at least once, also twice at the same time.
   */
  deliver: (event: AnyDomainEvent) => Promise<void>
  readonly probes?: Readonly<Record<string, Probe>>
  /** Routes of its own, where it has settings that people change. */
  routes?(app: HttpServer, verifyCaller: CallerVerifier): void
  /** Work of its own, started with the worker role. */
  background?(): Stoppable[]
  close(): Promise<void>
}

/** What a channel may use. */
export interface ChannelContext {
  bus: EventBus
  logger: Logger
  /** Reads the channel's own variables; @throws ConfigError naming those that are missing or wrong. */
  settings: <C extends TObject>(schema: C) => Static<C>
  /** How to reach a customer, by id. */
  findContact: FindContact
  /** Whose an order is, for events that do not say. */
  orderCustomers: OrderCustomers
  /** The key has to name the event and the channel. */
  sendOnce: SendOnce
}
