import { EventEnvelope } from '#contracts/events.ts'
import type { AttemptError } from '#contracts/http/notifications.ts'
import { isCircuitOpen, type Breaker } from '#platform/outbound/breaker.ts'
import { parser } from '#platform/validation.ts'
import type { Attempts } from './attempts.ts'
import type { Endpoints, StoredEndpoint } from './endpoints.ts'
import { reasonOf, type Post } from './post.ts'
import type { Delivery, Verdict } from './queue.ts'
import { nextPause } from './schedule.ts'
import { secretOf, sign } from './signature.ts'

/** While nothing is sent to an endpoint that fails all the time. */
export const CIRCUIT_PAUSE_MS = 30_000
const GONE = 410
const DAY_MS = 86_400_000

const parseEnvelope = parser('the event of a webhook', EventEnvelope)
const parseBody = (body: string) => parseEnvelope(JSON.parse(body))

export interface DeliverWebhookDependencies {
  endpoints: Endpoints
  attempts: Pick<Attempts, 'add'>
  post: Post
  breakerOf: (endpointId: string) => Pick<Breaker, 'call'>
  masterSecret: string
  disableAfterDays: number
  /** Milliseconds until a delivery that failed is tried again; undefined: never. */
  pauseAfter?: (delivery: Delivery) => number | undefined
  clock?: () => number
}

interface Answer {
  status: number | null
  error: AttemptError | null
}

/**
 * One attempt to send an event to an endpoint; writes down what came of it. An endpoint that has failed for days, or says
 * that it is gone, is disabled, and what waits for it is dropped.
 */
export const createDeliverWebhook = ({
  endpoints,
  attempts,
  post,
  breakerOf,
  masterSecret,
  disableAfterDays,
  pauseAfter = nextPause,
  clock = Date.now,
}: DeliverWebhookDependencies) => {
  return async (endpointId: string, delivery: Delivery): Promise<Verdict> => {
    const endpoint = (await endpoints.recent()).find(({ id }) => id === endpointId)
    if (endpoint === undefined || endpoint.status === 'disabled') return { outcome: 'done' }
    const started = clock()
    const answer = await attempt(endpoint, delivery.body)
    if (answer === undefined) {
      return { outcome: 'later', ms: Math.max(CIRCUIT_PAUSE_MS, pauseAfter(delivery) ?? 0) }
    }

    const delivered = answer.error === null
    const state = await note(endpoint, answer)
    const pause = delivered || state === 'disabled' ? undefined : pauseAfter(delivery)
    const ended = clock()
    const { eventId, eventType } = parseBody(delivery.body)
    await attempts.add(endpointId, {
      eventId,
      eventType,
      at: new Date(started).toISOString(),
      outcome: delivered ? 'delivered' : 'failed',
      responseStatus: answer.status,
      error: answer.error,
      durationMs: Math.max(0, ended - started),
      nextAttemptAt: pause === undefined ? null : new Date(ended + pause).toISOString(),
    })
    return pause === undefined ? { outcome: 'done' } : { outcome: 'later', ms: pause }
  }

  /** Undefined: the circuit is open, nothing was sent. */
  async function attempt({ id, url }: StoredEndpoint, body: string): Promise<Answer | undefined> {
    const { eventId } = parseBody(body)
    const headers = sign(secretOf(masterSecret, id), eventId, body, clock())
    try {
      const status = await breakerOf(id).call(async (signal) => {
        const answered = await post({ url, headers, body, signal })
        if (answered >= 500) throw new ServerFailedError(answered)
        return answered
      })
      return { status, error: errorOf(status) }
    } catch (error) {
      if (isCircuitOpen(error)) return undefined
      if (error instanceof ServerFailedError) return { status: error.status, error: 'status' }
      return { status: null, error: reasonOf(error) }
    }
  }

  /** Writes down the endpoint's state where it changes: a first failure, the end of failing, or that it is disabled. */
  async function note(endpoint: StoredEndpoint, { status, error }: Answer): Promise<'enabled' | 'disabled'> {
    const now = clock()
    const next = afterAttempt(endpoint)
    if (next === endpoint) return endpoint.status
    await endpoints.change((known) =>
      known.map((each) => (each.id === endpoint.id ? afterAttempt(each) : each)),
    )
    return next.status

    function afterAttempt(known: StoredEndpoint): StoredEndpoint {
      if (error === null) return known.failingSince === null ? known : { ...known, failingSince: null }
      const failingSince = known.failingSince ?? new Date(now).toISOString()
      if (status === GONE) return { ...known, failingSince, status: 'disabled', disabledReason: 'gone' }
      if (now - Date.parse(failingSince) >= disableAfterDays * DAY_MS) {
        return { ...known, failingSince, status: 'disabled', disabledReason: 'failing' }
      }
      return known.failingSince === null ? { ...known, failingSince } : known
    }
  }
}

/** Only 2xx says that it was taken. */
function errorOf(status: number): AttemptError | null {
  if (status >= 200 && status < 300) return null
  return status >= 300 && status < 400 ? 'redirect' : 'status'
}

/** An answer that counts against the endpoint's circuit. */
class ServerFailedError extends Error {
  override readonly name = 'ServerFailedError'
  readonly status: number

  constructor(status: number) {
    super(`the endpoint answered ${status}`)
    this.status = status
  }
}
