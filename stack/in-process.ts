/** The whole platform composed in this one process: services, workers, gateway and the simulated outside world. */
import type { TObject } from 'typebox'
import { inventoryService } from '#services/inventory/main.ts'
import { notificationsService } from '#services/notifications/main.ts'
import { ordersService } from '#services/orders/main.ts'
import { paymentsService } from '#services/payments/main.ts'
import { shippingService } from '#services/shipping/main.ts'
import { usersService } from '#services/users/main.ts'
import { startGateway } from '#gateway/main.ts'
import type { Environment } from '#platform/config.ts'
import { createLifecycle, type Stoppable } from '#platform/lifecycle.ts'
import type { Logger } from '#platform/logger.ts'
import { startService, type ServiceDefinition, type SharedResources } from '#platform/service.ts'
import { createTemporalLink, type TemporalLink } from '#platform/temporal/link.ts'
import { startCarrier } from '#sandbox/carrier/main.ts'
import { startProvider } from '#sandbox/provider/main.ts'
import type { ProcessName, Servers } from './environments.ts'

export interface InProcessOptions {
  environments: Record<ProcessName, Environment>
  servers: Servers
  /** Without a service yet. */
  logger: Logger
  /** Puts something between Temporal and the services: tests, which make it fail. */
  aroundTemporal?: ((temporal: TemporalLink) => TemporalLink) | undefined
}

export async function startInProcess({
  environments,
  servers,
  logger,
  aroundTemporal = (temporal) => temporal,
}: InProcessOptions): Promise<Stoppable> {
  const own = logger.child({ service: 'stack' })
  const lifecycle = createLifecycle(own)
  const payloadKeys = environments.orders['PAYLOAD_KEYS']
  // one connection and one workflow bundle serve all workers
  const temporal = createTemporalLink(
    {
      TEMPORAL_ADDRESS: servers.temporalAddress,
      TEMPORAL_NAMESPACE: servers.temporalNamespace,
      ...(payloadKeys === undefined ? {} : { PAYLOAD_KEYS: payloadKeys }),
    },
    own,
  )
  lifecycle.onStop('temporal', () => temporal.close())
  const shared: SharedResources = { temporal: aroundTemporal(temporal), logger }
  const begin = async (name: ProcessName, starting: Promise<Stoppable>): Promise<void> => {
    const running = await starting
    lifecycle.onStop(name, () => running.stop())
  }
  const service = <C extends TObject>(definition: ServiceDefinition<C>): Promise<void> =>
    begin(definition.name, startService(definition, environments[definition.name], shared))
  try {
    await allSettled([
      begin('provider', startProvider(environments.provider, logger)),
      begin('carrier', startCarrier(environments.carrier, logger)),
      service(ordersService),
      service(inventoryService),
      service(paymentsService),
      service(shippingService),
      service(usersService),
      service(notificationsService),
    ])
    // last to start, first to stop: nobody is let in before there is somebody to answer
    await begin('gateway', startGateway(environments.gateway, { logger }))
  } catch (error) {
    await lifecycle.stop()
    throw error
  }
  return { stop: () => lifecycle.stop() }
}

/** Waits for all, so that everything that did start can be stopped; then throws what failed first. */
async function allSettled(starting: Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(starting)
  const failed = results.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
