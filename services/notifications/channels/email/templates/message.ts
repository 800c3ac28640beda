/** What every e-mail looks like: a subject, the same words as text and as HTML. */
import { html, type Html } from './html.ts'

export interface Message {
  subject: string
  text: string
  html: string
}

/** What the kinds of e-mail are written from. */
export interface OrderFacts {
  /** The customer's name. */
  name: string
  /** The order's number, as customers know it. */
  number: string
  /** Where the order is shown; undefined where there is no such place. */
  link: string | undefined
}

/** A way on, at the end of the message. */
export interface Invitation {
  words: string
  link: string
}

/** Builds a message from a subject and paragraphs of plain text; the HTML is escaped from the same. */
export function compose(subject: string, paragraphs: readonly string[], invitation?: Invitation): Message {
  const line = oneLine(subject)
  const words = [...paragraphs.map(oneLine), ...(invitation === undefined ? [] : [inText(invitation)])]
  return {
    subject: line,
    text: `${words.join('\n\n')}\n\nMainstay\n`,
    html: page(line, paragraphs, invitation).markup,
  }
}

/** A way on, where there is one. */
export const invite = (words: string, link: string | undefined): Invitation | undefined =>
  link === undefined ? undefined : { words, link }

/** The usual way on: to the order itself. */
export const seeOrder = ({ link }: Pick<OrderFacts, 'link'>): Invitation | undefined =>
  invite('See your order', link)

/** Nothing that is inserted begins a line of its own, in the text or in a header. */
// oxlint-disable-next-line no-control-regex -- control characters are what this takes out
const oneLine = (text: string): string => text.replace(/[\u0000-\u001f\u007f\u2028\u2029]+/g, ' ').trim()

const inText = ({ words, link }: Invitation): string => `${oneLine(words)}: ${oneLine(link)}`

const button = ({ words, link }: Invitation): Html =>
  html`<p style="margin:24px 0 0"><a href="${link}" style="color:#0b57d0">${words}</a></p>`

function page(title: string, paragraphs: readonly string[], invitation: Invitation | undefined): Html {
  const body = paragraphs.map((paragraph) => html`<p style="margin:0 0 16px">${paragraph}</p>`)
  const parts = invitation === undefined ? body : [...body, button(invitation)]
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title}</title>
      </head>
      <body style="margin:0;padding:24px;font:16px/1.5 sans-serif;color:#1a1a1a">
        ${{ markup: parts.map(({ markup }) => markup).join('\n    ') }}
        <p style="margin:32px 0 0;color:#666">Mainstay</p>
      </body>
    </html>`
}
