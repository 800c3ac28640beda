/** The configuration of the orders service. */
import Type, { type Static } from 'typebox'
import { databaseConfig } from '#platform/config.ts'
import { serviceConfig } from '#platform/service.ts'

export const ordersConfig = Type.Object({
  ...serviceConfig,
  ...databaseConfig,
  SAGA_STEP_ATTEMPTS: Type.Integer({
    minimum: 1,
    default: 8,
    description: 'attempts of a saga step before the order is undone',
  }),
  SAGA_COMPENSATION_ATTEMPTS: Type.Integer({
    minimum: 1,
    default: 15,
    description: 'attempts to undo, capture or book before an operator is asked',
  }),
  SAGA_MAXIMUM_INTERVAL_SECONDS: Type.Integer({
    minimum: 1,
    default: 30,
    description: 'longest pause between attempts, in seconds',
  }),
})

export type OrdersConfig = Static<typeof ordersConfig>
