/** What the inventory service reads from the environment. */
import Type from 'typebox'
import { databaseConfig } from '#platform/config.ts'
import { EXTENSION_NAME } from '#platform/extension.ts'
import { serviceConfig } from '#platform/service.ts'

export const inventoryConfig = Type.Object({
  ...serviceConfig,
  ...databaseConfig,
  HOLD_MINUTES: Type.Integer({
    minimum: 1,
    default: 60,
    description: 'how long stock is promised to an order that is not confirmed yet',
  }),
  ALLOCATION: Type.String({
    default: 'fewest-parcels',
    pattern: EXTENSION_NAME,
    description: 'which warehouse sends what: a file of services/inventory/allocation/strategies',
  }),
})
