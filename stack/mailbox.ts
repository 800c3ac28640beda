import { once } from 'node:events'
import { callbackify } from 'node:util'
import { simpleParser } from 'mailparser'
import {
  SMTPServer,
  type SMTPServerAddress,
  type SMTPServerDataStream,
  type SMTPServerSession,
} from 'smtp-server'
import { createMailboxWeb } from './mailbox-web.ts'
import { createMailStore, type Mail } from './mailbox-store.ts'
import { createTextStore, type Text } from './text-store.ts'

const HOST = '127.0.0.1'
const LARGEST_MAIL_BYTES = 10 * 1024 * 1024

export type MailboxOptions = { port: number; smtpPort: number }

export type Mailbox = {
  /** The page and the JSON API. */
  readonly url: string
  readonly smtpUrl: string
  isRunning(): boolean
  /** Can be called again after stop(); the mails are still there. */
  start(): Promise<void>
  stop(): Promise<void>
  /** Newest first. */
  messages(to?: string): Mail[]
  /** Text messages, newest first. */
  texts(to?: string): Text[]
  clear(): void
}

/** Receives every mail and text message that the platform sends on this machine and delivers none. Runs inside this process. */
export const createMailbox = ({ port, smtpPort }: MailboxOptions): Mailbox => {
  const store = createMailStore()
  const texts = createTextStore()
  let running: { stop(): Promise<void> } | undefined

  const start = async (): Promise<void> => {
    if (running) throw new Error('The mailbox is running already')
    const web = createMailboxWeb(store, texts)
    const smtp = createSmtpServer((mail, envelope) => store.add(mail, envelope))
    const stop = async (): Promise<void> => {
      await Promise.all([web.close(), closeSmtp(smtp)])
    }
    try {
      await Promise.all([web.listen({ port, host: HOST }), listen(smtp, smtpPort)])
    } catch (error) {
      await stop()
      throw new Error(`The mailbox could not listen on ports ${port} and ${smtpPort}`, { cause: error })
    }
    // A client that drops its connection is its own affair; without a listener Node would end the process.
    smtp.on('error', () => undefined)
    running = { stop }
  }

  return {
    url: `http://${HOST}:${port}`,
    smtpUrl: `smtp://${HOST}:${smtpPort}`,
    isRunning: () => running !== undefined,
    start,
    stop: async () => {
      const stopping = running
      running = undefined
      await stopping?.stop()
    },
    messages: (to) => store.list(to),
    texts: (to) => texts.list(to),
    clear: () => {
      store.clear()
      texts.clear()
    },
  }
}

type Receive = (
  mail: Awaited<ReturnType<typeof simpleParser>>,
  envelope: { from: string; to: string[] },
) => void

const createSmtpServer = (receive: Receive): SMTPServer =>
  new SMTPServer({
    banner: 'Mainstay mailbox: receives, never delivers',
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: LARGEST_MAIL_BYTES,
    closeTimeout: 1_000,
    onData: callbackify((stream: SMTPServerDataStream, session: SMTPServerSession) =>
      read(stream, session, receive),
    ),
  })

const read = async (
  stream: SMTPServerDataStream,
  session: SMTPServerSession,
  receive: Receive,
): Promise<void> => {
  const mail = await simpleParser(stream)
  if (stream.sizeExceeded)
    throw Object.assign(new Error('The mail is larger than 10 MB'), { responseCode: 552 })
  receive(mail, envelopeOf(session))
}

const envelopeOf = ({ envelope }: SMTPServerSession): { from: string; to: string[] } => ({
  from: envelope.mailFrom === false ? '' : envelope.mailFrom.address,
  to: envelope.rcptTo.map(({ address }: SMTPServerAddress) => address),
})

const listen = async (smtp: SMTPServer, port: number): Promise<void> => {
  smtp.listen(port, HOST)
  await once(smtp.server, 'listening')
}

const closeSmtp = (smtp: SMTPServer): Promise<void> => new Promise((resolve) => smtp.close(() => resolve()))
