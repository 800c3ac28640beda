import Type from 'typebox'
import { serviceConfig } from '#platform/service.ts'
import { emailConfig } from './channels/email/config.ts'
import { smsConfig } from './channels/sms/config.ts'
import { webhooksConfig } from './channels/webhooks/config.ts'

export const notificationsConfig = Type.Object({
  ...serviceConfig,
  SERVICE_SIGNING_KEY: Type.String({
    description: 'private Ed25519 key (JWK as JSON) that signs the calls to the users service',
  }),
  USERS_URL: Type.String({
    pattern: '^https?://',
    default: 'http://127.0.0.1:8085',
    description: 'the users service',
  }),
  CHANNELS: Type.String({
    pattern: '^[a-z]{2,30}(,[a-z]{2,30})*$',
    default: 'email,sms,webhooks',
    description: 'ways of telling of events: folders of services/notifications/channels',
  }),
  ...emailConfig,
  ...smsConfig,
  ...webhooksConfig,
  // the channel itself asks for it, where CHANNELS names it
  WEBHOOK_MASTER_SECRET: Type.Optional(webhooksConfig.WEBHOOK_MASTER_SECRET),
})
