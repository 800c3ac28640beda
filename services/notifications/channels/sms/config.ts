import Type from 'typebox'
import { consoleConfig } from '../console.ts'

export const smsConfig = {
  SMS_PROVIDER: Type.String({
    pattern: '^[a-z]{2,30}$',
    default: 'none',
    description:
      'who delivers text messages: a folder of services/notifications/channels/sms/providers; none: nobody',
  }),
  SMS_URL: Type.String({
    pattern: '^https?://',
    default: 'http://127.0.0.1:1080',
    description: "the SMS provider's API",
  }),
  SMS_API_KEY: Type.Optional(Type.String({ minLength: 1, description: 'key for calls to the SMS provider' })),
  SMS_FROM: Type.String({
    pattern: '^(\\+[1-9][0-9]{6,14}|[A-Za-z0-9 ]{1,11})$',
    default: 'Mainstay',
    description: 'who text messages come from: a number or up to eleven letters',
  }),
  SMS_TIMEOUT_MS: Type.Integer({
    minimum: 100,
    maximum: 20_000,
    default: 5_000,
    description: 'how long the SMS provider may take to answer',
  }),
  ...consoleConfig,
}
