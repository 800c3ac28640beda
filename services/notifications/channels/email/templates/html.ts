/** HTML in which every value is escaped, wherever it comes from. */

/** HTML that `html` has made: it is inserted as it is. */
export interface Html {
  readonly markup: string
}

/**
 * @example html`<p>Dear ${name},</p>`
 */
export const html = (parts: TemplateStringsArray, ...values: readonly (string | number | Html)[]): Html => ({
  markup: parts.reduce((text, part, index) => {
    const value = values[index - 1]
    return (
      text +
      (value === undefined ? '' : typeof value === 'object' ? value.markup : escapeHtml(String(value))) +
      part
    )
  }),
})

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export const escapeHtml = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character)
