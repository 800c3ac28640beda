/** Hands e-mails to the mail server, through a breaker. */
import { createTransport } from 'nodemailer'
import type { Logger } from '#platform/logger.ts'
import { createBreaker } from '#platform/outbound/breaker.ts'
import type { Message } from './templates/message.ts'

const TIMEOUT_MS = 10_000
const CHECK_KEPT_MS = 5_000

export interface Recipient {
  email: string
  name?: string
}

export interface Mailer {
  /** @param id makes the Message-ID: the same e-mail sent twice is seen to be one */
  send(id: string, to: Recipient, message: Message): Promise<void>
  /** Asks the mail server whether it would take a message; the answer is kept for a few seconds. */
  probe(): Promise<string>
  close(): void
}

export interface MailerOptions {
  url: string
  from: string
  logger: Logger
}

export function createMailer({ url, from, logger }: MailerOptions): Mailer {
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: 4,
    connectionTimeout: 5_000,
    greetingTimeout: 5_000,
    socketTimeout: TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  // an address that the server refuses says nothing about the server
  const breaker = createBreaker({
    name: 'smtp',
    timeoutMs: TIMEOUT_MS,
    logger,
    counts: (error) => !isRefusedAddress(error),
  })
  const domain = from.slice(from.lastIndexOf('@') + 1)
  let check: { result: Promise<unknown>; until: number } | undefined

  return {
    async send(id, { email, name = '' }, message) {
      try {
        await breaker.call(() =>
          transport.sendMail({
            from,
            to: { name, address: email },
            messageId: `<${id}@${domain}>`,
            ...message,
          }),
        )
      } catch (error) {
        throw withoutAddress(error)
      }
    },
    async probe() {
      if (check === undefined || check.until < Date.now()) {
        check = { result: transport.verify(), until: Date.now() + CHECK_KEPT_MS }
        check.result.catch(() => {}) // whoever asks gets it
      }
      await check.result
      return `circuit ${breaker.state()}`
    },
    close: () => transport.close(),
  }
}

/**
 * Mail servers quote the recipient in what they answer, and errors end in logs and dead letters: what is kept is the codes.
 */
function withoutAddress(error: unknown): Error {
  const facts = ['code', 'responseCode', 'command'].flatMap((key) => {
    const value: unknown = error instanceof Error ? Reflect.get(error, key) : undefined
    return typeof value === 'string' || typeof value === 'number' ? [`${key} ${value}`] : []
  })
  if (facts.length === 0 && error instanceof Error) return error // the breaker's own, or the time is up
  return new Error(`the mail server did not take the message (${facts.join(', ')})`)
}

const isRefusedAddress = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EENVELOPE'
