import { setTimeout as sleep } from 'node:timers/promises'
import { notFound } from '#platform/problem.ts'
import type { Attempts } from './attempts.ts'
import { FRESH_MS, type Endpoints } from './endpoints.ts'
import type { DeliveryQueue } from './queue.ts'

export interface RemoveEndpointDependencies {
  endpoints: Endpoints
  queue: Pick<DeliveryQueue, 'drop'>
  attempts: Pick<Attempts, 'drop'>
}

/**
 * Removes an endpoint and what waits for it. What is on its way at this moment may still arrive.
 *
 * @throws ProblemError `not_found`
 */
export const createRemoveEndpoint =
  ({ endpoints, queue, attempts }: RemoveEndpointDependencies) =>
  async (id: string): Promise<void> => {
    await endpoints.change((known) => {
      if (!known.some((endpoint) => endpoint.id === id)) throw notFound('webhook endpoint')
      return known.filter((endpoint) => endpoint.id !== id)
    })
    await sleep(FRESH_MS) // until no instance puts anything in its queue any more
    // the endpoint is gone already: nothing reads what a failure here leaves behind, and the streams forget it in days
    await queue.drop(id)
    await attempts.drop(id)
  }
