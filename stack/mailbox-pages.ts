import type { Mail } from './mailbox-store.ts'
import type { Text } from './text-store.ts'

const STYLE = `
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { max-width: 60rem; margin: 0 auto; padding: 1rem }
  h1 { font-size: 1.3rem; overflow-wrap: anywhere }
  h2 { font-size: 1.1rem; margin: 2rem 0 0 }
  table { width: 100%; border-collapse: collapse }
  th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid #8884; overflow-wrap: anywhere }
  time, dt, .muted { color: GrayText }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1rem; margin: 0 0 1rem }
  dd { margin: 0; overflow-wrap: anywhere }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 1rem; border: 1px solid #8884; border-radius: .4rem }
  iframe { width: 100%; height: 65vh; border: 1px solid #8884; border-radius: .4rem; background: #fff }
  form { display: flex; gap: .5rem; margin: 1rem 0 } input { flex: 1; max-width: 24rem; font: inherit; padding: .2rem .5rem }
  button { font: inherit }`

/** The page of the mailbox itself: no script, nothing from elsewhere. */
export const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/**
 * What a mail's own HTML may do in its frame: style itself, show images that it brought along, open links in a new tab.
 * `sandbox` gives it an origin of its own even when the frame's address is opened directly.
 */
export const MAIL_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"

export const listPage = (mails: readonly Mail[], texts: readonly Text[], to: string | undefined): string =>
  page(
    'Mailbox',
    `<h1>Mailbox</h1>
    <form method="get" action="/">
      <input type="search" name="to" value="${escape(to ?? '')}" placeholder="address or number" aria-label="Recipient">
      <button>Filter</button>
    </form>
    ${mails.length === 0 ? '<p class="muted">No mail. What the platform sends on this machine arrives here.</p>' : table(mails)}
    ${texts.length === 0 ? '' : textTable(texts)}`,
  )

const table = (mails: readonly Mail[]): string => `<table>
  <thead><tr><th>Received</th><th>To</th><th>Subject</th></tr></thead>
  <tbody>${mails.map(row).join('')}</tbody></table>`

const row = (mail: Mail): string => `<tr>
  <td>${time(mail)}</td>
  <td>${escape(mail.to.join(', '))}</td>
  <td><a href="/messages/${mail.id}">${escape(mail.subject)}</a></td></tr>`

const textTable = (texts: readonly Text[]): string => `<h2>Text messages</h2><table>
  <thead><tr><th>Received</th><th>To</th><th>Text</th></tr></thead>
  <tbody>${texts.map(textRow).join('')}</tbody></table>`

const textRow = (each: Text): string => `<tr>
  <td>${time(each)}</td><td>${escape(each.to)}</td><td>${escape(each.text)}</td></tr>`

export const mailPage = (mail: Mail, view: 'html' | 'text'): string =>
  page(
    mail.subject,
    `<p><a href="/">← All mail</a></p>
    <h1>${escape(mail.subject)}</h1>
    <dl><dt>From</dt><dd>${escape(mail.from)}</dd><dt>To</dt><dd>${escape(mail.to.join(', '))}</dd>
    <dt>Received</dt><dd>${time(mail)}</dd>${attachments(mail)}</dl>
    ${mail.html === null ? text(mail) : `${switcher(mail, view)}${view === 'html' ? frame(mail) : text(mail)}`}`,
  )

const switcher = (mail: Mail, view: 'html' | 'text'): string =>
  view === 'html'
    ? `<p>HTML · <a href="/messages/${mail.id}?view=text">Text</a></p>`
    : `<p><a href="/messages/${mail.id}">HTML</a> · Text</p>`

const frame = (mail: Mail): string =>
  `<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" src="/messages/${mail.id}/html" title="The mail"></iframe>`

const text = (mail: Mail): string => `<pre>${escape(mail.text)}</pre>`

const attachments = (mail: Mail): string =>
  mail.attachments
    .map(
      ({ filename, contentType, bytes }) =>
        `<dt>Attached</dt><dd>${escape(`${filename} (${contentType}, ${bytes} bytes)`)}</dd>`,
    )
    .join('')

const time = ({ receivedAt }: { receivedAt: string }): string =>
  `<time datetime="${receivedAt}">${receivedAt.slice(0, 19).replace('T', ' ')}</time>`

export const notFoundPage = (): string =>
  page(
    'Not here',
    '<h1>This mail is not here</h1><p>The mailbox keeps the last mails in memory only. <a href="/">All mail</a></p>',
  )

/** The mail's HTML, its links opening outside of the frame. */
export const mailDocument = (mail: Mail): string => `<!doctype html><base target="_blank">${mail.html ?? ''}`

const page = (title: string, body: string): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(title)}</title><style>${STYLE}</style></head><body>${body}</body></html>`

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escape = (value: string): string =>
  value.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
