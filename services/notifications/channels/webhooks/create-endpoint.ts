import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { WEBHOOK_AGGREGATES, type CreatedWebhookEndpoint } from '#contracts/http/notifications.ts'
import { ProblemError } from '#platform/problem.ts'
import { DestinationRefusedError, type Destinations } from './destination.ts'
import { FRESH_MS, toEndpoint, type Endpoints, type StoredEndpoint } from './endpoints.ts'
import { secretOf } from './signature.ts'

export interface CreateEndpointDependencies {
  endpoints: Endpoints
  destinations: Destinations
  masterSecret: string
  limit: number
  clock?: () => number
}

export interface CreateEndpointInput {
  url: string
  events?: StoredEndpoint['events']
  description?: string
  createdBy: string
}

/**
 * Makes an endpoint for events from now on; its secret is in this answer and nowhere else.
 *
 * @throws ProblemError `endpoint_refused` or `too_many_endpoints`
 */
export const createCreateEndpoint =
  ({ endpoints, destinations, masterSecret, limit, clock = Date.now }: CreateEndpointDependencies) =>
  async ({
    url,
    events = WEBHOOK_AGGREGATES.map((aggregate) => `${aggregate}.*`),
    description,
    createdBy,
  }: CreateEndpointInput): Promise<CreatedWebhookEndpoint> => {
    const endpoint: StoredEndpoint = {
      id: randomUUID(),
      url: await acceptable(url, destinations),
      events,
      description: description ?? null,
      status: 'enabled',
      disabledReason: null,
      failingSince: null,
      createdAt: new Date(clock()).toISOString(),
      createdBy,
    }
    await endpoints.change((known) => {
      if (known.length >= limit) {
        throw new ProblemError(
          'too_many_endpoints',
          `There are ${limit}, and no more may be. Remove one first.`,
        )
      }
      return [...known, endpoint]
    })
    // whoever is told of it misses nothing: by now every instance knows
    await sleep(FRESH_MS)
    return { ...toEndpoint(endpoint), secret: secretOf(masterSecret, endpoint.id) }
  }

/** The address as it will be called. It is checked again at every attempt: names change what they resolve to. */
async function acceptable(text: string, destinations: Destinations): Promise<string> {
  try {
    const url = destinations.parse(text)
    await destinations.check(url)
    return url.href
  } catch (cause) {
    const message =
      cause instanceof DestinationRefusedError ? cause.message : 'has a name that does not resolve'
    throw new ProblemError('endpoint_refused', 'Events cannot be sent to this address.', {
      errors: [{ path: 'url', message }],
      cause,
    })
  }
}
