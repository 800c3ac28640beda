import { randomUUID } from 'node:crypto'
import type { AddressObject, ParsedMail } from 'mailparser'

export type MailSummary = { id: string; receivedAt: string; from: string; to: string[]; subject: string }

export type Mail = MailSummary & {
  text: string
  /** As sent, images of the mail itself embedded; null when the mail has only text. */
  html: string | null
  headers: Record<string, string>
  attachments: { filename: string; contentType: string; bytes: number }[]
}

export type MailStore = {
  add(parsed: ParsedMail, envelope: { from: string; to: string[] }): Mail
  /** Newest first; `to` keeps the mails that this address received (in any case of letters). */
  list(to?: string): Mail[]
  find(id: string): Mail | undefined
  clear(): void
}

/** Keeps the last `limit` mails in memory. */
export const createMailStore = (limit = 500): MailStore => {
  let mails: Mail[] = []
  return {
    add: (parsed, envelope) => {
      const mail = toMail(parsed, envelope)
      mails = [mail, ...mails].slice(0, limit)
      return mail
    },
    list: (to) => (to === undefined ? mails : mails.filter((mail) => receivedBy(mail, to))),
    find: (id) => mails.find((mail) => mail.id === id),
    clear: () => {
      mails = []
    },
  }
}

export const summarize = ({ id, receivedAt, from, to, subject }: Mail): MailSummary => ({
  id,
  receivedAt,
  from,
  to,
  subject,
})

const receivedBy = (mail: Mail, address: string): boolean =>
  mail.to.some((recipient) => recipient.toLowerCase() === address.trim().toLowerCase())

const toMail = (parsed: ParsedMail, envelope: { from: string; to: string[] }): Mail => ({
  id: randomUUID(),
  receivedAt: new Date().toISOString(),
  from: addressesOf(parsed.from)[0] ?? envelope.from,
  // The envelope says who really gets it, blind copies included.
  to: envelope.to,
  subject: parsed.subject ?? '(no subject)',
  text: parsed.text ?? '',
  html: typeof parsed.html === 'string' ? parsed.html : null,
  headers: Object.fromEntries(
    parsed.headerLines.map(({ key, line }) => [key, line.slice(line.indexOf(':') + 1).trim()]),
  ),
  attachments: parsed.attachments.map(({ filename, contentType, size }) => ({
    filename: filename ?? 'unnamed',
    contentType,
    bytes: size,
  })),
})

const addressesOf = (header: AddressObject | undefined): string[] =>
  (header?.value ?? []).flatMap(({ address }) => (address ? [address] : []))
