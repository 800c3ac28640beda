import Type from 'typebox'
import { consoleConfig } from '../console.ts'

export const emailConfig = {
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
  ...consoleConfig,
}
