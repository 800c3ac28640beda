/** What every webhook from outside has in common: who sends it is in the path, and it is only said to have been received. */
import Type from 'typebox'
import { Closed } from '../schemas.ts'

export const webhookSchema = {
  params: Closed({
    provider: Type.String({ pattern: '^[a-z]{2,30}$', description: 'the provider or carrier' }),
  }),
  response: { 200: Type.Object({ received: Type.Boolean() }) },
} as const

export type WebhookSchema = typeof webhookSchema
