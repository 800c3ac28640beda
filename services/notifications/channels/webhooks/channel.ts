/** The platform's events at merchants' own addresses, signed as Standard Webhooks. */
import Type from 'typebox'
import { EVENTS, isEventType } from '#contracts/events.ts'
import { WEBHOOK_AGGREGATES } from '#contracts/http/notifications.ts'
import { createBreaker, type Breaker } from '#platform/outbound/breaker.ts'
import { openBucket } from '../../buckets.ts'
import type { Channel, ChannelContext } from '../channel.ts'
import { createAttempts } from './attempts.ts'
import { webhooksConfig } from './config.ts'
import { createCreateEndpoint } from './create-endpoint.ts'
import { CIRCUIT_PAUSE_MS, createDeliverWebhook } from './deliver-webhook.ts'
import { createDestinations, type Resolve } from './destination.ts'
import { createEndpoints } from './endpoints.ts'
import { createFanOut } from './fan-out.ts'
import { createListEndpoints } from './list-endpoints.ts'
import { createPost } from './post.ts'
import { createDeliveryQueue } from './queue.ts'
import { createRemoveEndpoint } from './remove-endpoint.ts'
import { addEndpointRoutes } from './routes.ts'
import { startSenders } from './senders.ts'
import { openStreams } from './streams.ts'

/** What tests put in the place of the system's resolver and of the schedule of retries. */
export interface WebhooksStandIns {
  resolve?: Resolve
  pauseAfter?: () => number
}

export function createChannel(
  { bus, logger, settings, sendOnce }: ChannelContext,
  { resolve, pauseAfter }: WebhooksStandIns = {},
): Channel {
  const config = settings(Type.Object(webhooksConfig))
  const endpoints = createEndpoints(openBucket(bus, 'webhook-endpoints'))
  const streams = openStreams(bus)
  const attempts = createAttempts(streams)
  const queue = createDeliveryQueue({ streams, logger })
  const destinations = createDestinations({
    allowLoopback: config.WEBHOOK_ALLOW_LOOPBACK,
    ...(resolve === undefined ? {} : { resolve }),
  })
  const masterSecret = config.WEBHOOK_MASTER_SECRET
  const breakers = new Map<string, Breaker>()

  const useCases = {
    createEndpoint: createCreateEndpoint({
      endpoints,
      destinations,
      masterSecret,
      limit: config.WEBHOOK_ENDPOINTS_LIMIT,
    }),
    listEndpoints: createListEndpoints({ endpoints }),
    removeEndpoint: createRemoveEndpoint({ endpoints, queue, attempts }),
    endpoints,
    attempts,
    probeBroker: () => bus.probe(),
  }
  const deliverWebhook = createDeliverWebhook({
    endpoints,
    attempts,
    post: createPost(destinations),
    breakerOf,
    masterSecret,
    disableAfterDays: config.WEBHOOK_DISABLE_AFTER_DAYS,
    ...(pauseAfter === undefined ? {} : { pauseAfter }),
  })

  function breakerOf(endpointId: string): Breaker {
    const breaker =
      breakers.get(endpointId) ??
      createBreaker({
        name: `webhook ${endpointId}`,
        timeoutMs: config.WEBHOOK_TIMEOUT_MS,
        logger,
        halfOpenAfterMs: CIRCUIT_PAUSE_MS,
      })
    breakers.set(endpointId, breaker)
    return breaker
  }

  return {
    name: 'webhooks',
    subjects: SUBJECTS,
    deliver: createFanOut({ endpoints, queue, sendOnce }),
    routes: (app, verifyCaller) => addEndpointRoutes(app, verifyCaller, useCases),
    background: () => [
      startSenders({ endpoints, queue, deliverWebhook, logger, forget: (id) => breakers.delete(id) }),
    ],
    close: async () => {},
  }
}

/** `evt.orders.order.>` and so on. */
const SUBJECTS = [
  ...new Set(
    Object.keys(EVENTS)
      .filter(isEventType)
      .flatMap((type) => {
        const aggregate = WEBHOOK_AGGREGATES.find((name) => type.startsWith(`${name}.`))
        return aggregate === undefined ? [] : [`evt.${EVENTS[type].service}.${aggregate}.>`]
      }),
  ),
]
