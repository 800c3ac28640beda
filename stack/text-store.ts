/** A text message that the platform sent. */
export type Text = { id: string; receivedAt: string; from: string; to: string; text: string }

export type TextStore = {
  /** Answers false for an id that is known: it is one text, however often it is sent. */
  add(text: Omit<Text, 'receivedAt'>): boolean
  /** Newest first; `to` keeps those of one number. */
  list(to?: string): Text[]
  clear(): void
}

/** Keeps the last `limit` texts in memory. */
export const createTextStore = (limit = 500): TextStore => {
  let texts: Text[] = []
  return {
    add: (text) => {
      if (texts.some(({ id }) => id === text.id)) return false
      texts = [{ ...text, receivedAt: new Date().toISOString() }, ...texts].slice(0, limit)
      return true
    },
    list: (to) => (to === undefined ? texts : texts.filter((text) => text.to === to.trim())),
    clear: () => {
      texts = []
    },
  }
}
