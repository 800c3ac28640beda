/** The worker of the shipping service, started and stopped apart from its HTTP door: parcels wait while it is off. */
import type { Stoppable } from '#platform/lifecycle.ts'
import { startService } from '#platform/service.ts'
import type { Logger } from '#platform/logger.ts'
import { shippingService } from '#services/shipping/main.ts'
import type { Stack } from '#stack/stack.ts'

/** Resolves once the worker is there; it takes parcels as soon as it polls. */
export const startShippingWorker = (stack: Stack, logger: Logger): Promise<Stoppable> =>
  startService(shippingService, { ...stack.environments.shipping, ROLES: 'worker', PORT: '0' }, { logger })
