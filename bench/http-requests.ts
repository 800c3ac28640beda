/** Counts the HTTP requests that the servers of this process answer, by port. Node tells of each on a diagnostics channel. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'

const CHANNEL = 'http.server.request.start'

export interface RequestCounter {
  /** By the port that was called, so far. */
  read(): Map<number, number>
  stop(): void
}

export function countRequests(): RequestCounter {
  const counts = new Map<number, number>()
  const count = (message: unknown): void => {
    const port = hasRequest(message) ? message.request.socket.localPort : undefined
    if (port !== undefined) counts.set(port, (counts.get(port) ?? 0) + 1)
  }
  subscribe(CHANNEL, count)
  return { read: () => new Map(counts), stop: () => void unsubscribe(CHANNEL, count) }
}

const hasRequest = (message: unknown): message is { request: IncomingMessage } =>
  typeof message === 'object' && message !== null && 'request' in message
