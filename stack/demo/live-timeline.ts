/** An order's timeline as it happens, read from the API's server-sent events. */
import { setTimeout as sleep } from 'node:timers/promises'
import { TimelineEntry } from '#contracts/http/orders.ts'
import { parser } from '#platform/validation.ts'
import type { ApiClient } from './client.ts'

const parseEntry = parser('an entry of the timeline', TimelineEntry)

const RETRY_MS = 1_000

/** Calls `tell` for every entry, old and new, once each and in order, until the signal. A stream that ends is resumed. */
export async function followTimeline(
  client: ApiClient,
  orderId: string,
  signal: AbortSignal,
  tell: (entry: TimelineEntry) => void,
): Promise<void> {
  let lastEventId: string | undefined
  while (!signal.aborted) {
    try {
      const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId }
      const response = await client.open(`/api/v1/orders/${orderId}/events`, { headers, signal })
      if (!response.ok || response.body === null) throw new Error(`the events answered ${response.status}`)
      for await (const { id, data } of eventsOf(response.body)) {
        tell(parseEntry(JSON.parse(data)))
        lastEventId = id
      }
    } catch (error) {
      if (signal.aborted) return
      if (!(error instanceof Error)) throw error
      await sleep(RETRY_MS)
    }
  }
}

/** Source: https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation */
async function* eventsOf(body: AsyncIterable<Uint8Array>): AsyncGenerator<{ id: string; data: string }> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    const blocks = text.split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const [, id] = /^id: (.*)$/m.exec(block) ?? []
      const [, data] = /^data: (.*)$/m.exec(block) ?? []
      if (id !== undefined && data !== undefined) yield { id, data }
    }
  }
}
