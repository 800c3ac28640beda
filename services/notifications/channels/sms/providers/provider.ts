/** The port to who delivers text messages. An adapter is a folder beside this file with a `provider.ts` that exports `createSmsProvider`. */
import type { Breaker } from '#platform/outbound/breaker.ts'

export interface TextMessage {
  /** Of the event: what makes a repeated request the same text, where the provider knows such a thing. */
  id: string
  /** E.164 */
  to: string
  body: string
}

export interface SmsProvider {
  readonly name: string
  /**
   * Returns once the provider has taken the text over. Its errors are logged: they hold neither the number nor the words.
   *
   * @throws NumberRefusedError when no text will ever reach this number; any other error means that it is worth trying again
   */
  send(text: TextMessage): Promise<void>
}

export interface SmsProviderOptions {
  url: string
  apiKey?: string
  /** A number or a name. */
  from: string
  /** Every call goes through it: it opens when the provider fails, and ends calls that take too long. */
  breaker: Breaker
}

/** The provider says that the number is none, or takes no texts. */
export class NumberRefusedError extends Error {
  override readonly name = 'NumberRefusedError'
}
