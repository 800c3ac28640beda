import Type from 'typebox'
import { databaseConfig } from '#platform/config.ts'
import { serviceConfig } from '#platform/service.ts'

export const keyConfig = {
  KEY_ENCRYPTION_KEY: Type.String({
    pattern: '^[A-Za-z0-9+/]{43}=$',
    description: 'encrypts the private signing keys in the database: 32 bytes in base64',
  }),
}

export const usersConfig = Type.Object({
  ...serviceConfig,
  ...databaseConfig,
  ...keyConfig,
  ACCESS_TOKEN_ISSUER: Type.String({
    minLength: 1,
    default: 'mainstay-users',
    description: 'issuer of the access tokens; the gateway takes no other',
  }),
  SPENDING_LIMIT: Type.Integer({
    minimum: 0,
    default: 500_000,
    description:
      'minor units that a customer may spend in 24 hours, in each currency, unless the account has a limit of its own',
  }),
})
