/** Sends signed webhooks until they are taken; every try is an entry of the ledger, so a restart goes on. */
import type { Logger } from '#platform/logger.ts'
import type { WebhookEntry, WebhookEvent } from './ledger-entries.ts'
import { sign } from './signature.ts'

const MOST_ATTEMPTS = 8
const MOST_AT_ONCE = 8
const ATTEMPT_TIMEOUT_MS = 5_000

export interface WebhookOptions {
  url: string
  secret: string
  /** The header that carries the signature. */
  header: string
  /** Wait before the second try; every further wait is twice as long. */
  retryMs: number
  record(entry: WebhookEntry): void
  logger: Logger
}

export interface Webhooks {
  send(event: WebhookEvent): void
  stop(): Promise<void>
}

/** An event with the tries it has had. */
export interface PendingWebhook {
  event: WebhookEvent
  attempts: number
}

type LedgerEntry = { type: string; event?: WebhookEvent } | WebhookEntry

/** What a ledger says is still to be delivered. */
export function pendingWebhooks(entries: readonly LedgerEntry[]): PendingWebhook[] {
  const pending = new Map<string, PendingWebhook>()
  for (const entry of entries) {
    if ('eventId' in entry) {
      const waiting = pending.get(entry.eventId)
      if (waiting === undefined) continue
      if (entry.outcome === 'failed') waiting.attempts = entry.attempt
      else pending.delete(entry.eventId)
    } else if (entry.event !== undefined) {
      pending.set(entry.event.id, { event: entry.event, attempts: 0 })
    }
  }
  return [...pending.values()]
}

/** Begins with what is pending; stops without waiting for those that must be tried again. */
export function startWebhooks(options: WebhookOptions, pending: PendingWebhook[]): Webhooks {
  const stopping = new AbortController()
  const waiting: PendingWebhook[] = [...pending]
  const timers = new Set<NodeJS.Timeout>()
  const running = new Set<Promise<void>>()

  function next(): void {
    while (running.size < MOST_AT_ONCE && !stopping.signal.aborted) {
      const webhook = waiting.shift()
      if (webhook === undefined) return
      const delivery = deliver(webhook).finally(() => {
        running.delete(delivery)
        next()
      })
      running.add(delivery)
    }
  }

  async function deliver({ event, attempts }: PendingWebhook): Promise<void> {
    const attempt = attempts + 1
    const failure = await post(event)
    if (stopping.signal.aborted && failure !== undefined) return
    const outcome = failure === undefined ? 'delivered' : attempt < MOST_ATTEMPTS ? 'failed' : 'abandoned'
    const at = new Date().toISOString()
    const { reference } = event.data
    options.record({
      type: 'webhook',
      at,
      eventId: event.id,
      reference: typeof reference === 'string' ? reference : '',
      attempt,
      outcome,
      detail: failure ?? '',
    })
    if (outcome === 'delivered') return
    options.logger.warn({ eventId: event.id, attempt, failure }, `a webhook was not delivered: ${outcome}`)
    if (outcome === 'failed') retryLater({ event, attempts: attempt })
  }

  function retryLater(webhook: PendingWebhook): void {
    const timer = setTimeout(
      () => {
        timers.delete(timer)
        waiting.push(webhook)
        next()
      },
      options.retryMs * 2 ** (webhook.attempts - 1),
    )
    timers.add(timer)
  }

  /** Why it failed, or nothing. */
  async function post(event: WebhookEvent): Promise<string | undefined> {
    const body = JSON.stringify(event)
    try {
      const response = await fetch(options.url, {
        method: 'POST',
        redirect: 'error',
        headers: {
          'content-type': 'application/json',
          [options.header]: sign(options.secret, body, Math.floor(Date.now() / 1_000)),
        },
        body,
        signal: AbortSignal.any([stopping.signal, AbortSignal.timeout(ATTEMPT_TIMEOUT_MS)]),
      })
      await response.body?.cancel()
      return response.ok ? undefined : `answered ${response.status}`
    } catch (error) {
      return describe(error)
    }
  }

  next()
  return {
    send(event) {
      waiting.push({ event, attempts: 0 })
      next()
    },
    async stop() {
      stopping.abort()
      for (const timer of timers) clearTimeout(timer)
      await Promise.all(running)
    },
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}
