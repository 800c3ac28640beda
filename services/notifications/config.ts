import Type from 'typebox'
import { serviceConfig } from '#platform/service.ts'

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
  SMTP_URL: Type.String({
    pattern: '^smtps?://',
    default: 'smtp://127.0.0.1:1025',
    description: 'mail server',
  }),
  MAIL_FROM: Type.String({
    format: 'email',
    default: 'orders@mainstay.test',
    description: 'address that e-mails come from',
  }),
  OPERATIONS_EMAIL: Type.Optional(
    Type.String({
      format: 'email',
      description: 'address that is told of orders which need an operator; none: nobody is',
    }),
  ),
})
