/** Reads server-sent events as they come. */

export interface StreamedEvent {
  id: string
  data: { name: string; status: string; kind: string }
}

export interface EventReader {
  status: number
  headers: Headers
  /** Everything that has come so far. */
  events: StreamedEvent[]
  /** The raw text so far. */
  text(): string
  /** Resolves when the answer has come to its end; rejects when it broke off. */
  ended: Promise<void>
  close(): void
}

export async function listen(
  url: string,
  { authorization, lastEventId }: { authorization: string; lastEventId?: string },
): Promise<EventReader> {
  const leaving = new AbortController()
  const response = await fetch(url, {
    headers: { authorization, ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }) },
    signal: leaving.signal,
  })
  let text = ''
  const events: StreamedEvent[] = []
  const read = async (): Promise<void> => {
    if (response.body === null) return
    const decoder = new TextDecoder()
    for await (const chunk of response.body) {
      text += decoder.decode(chunk, { stream: true })
      events.length = 0
      for (const [, id = '', data = ''] of text.matchAll(/^id: (.*)\nevent: timeline\ndata: (.*)\n\n/gm)) {
        events.push({ id, data: JSON.parse(data) as StreamedEvent['data'] })
      }
    }
  }
  const ended = read()
  ended.catch(() => {}) // for whoever awaits it
  return {
    status: response.status,
    headers: response.headers,
    events,
    text: () => text,
    ended,
    close: () => leaving.abort(),
  }
}
