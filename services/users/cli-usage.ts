/** What `npm run users` says of itself; needs no database client, which a fresh clone does not have yet. */
import Type from 'typebox'
import { databaseConfig, describeConfig } from '#platform/config.ts'
import { keyConfig } from './config.ts'

export const databaseSchema = Type.Object({ DATABASE_URL: databaseConfig.DATABASE_URL })
export const keySchema = Type.Object(keyConfig)

export const HELP = `Usage: npm run users -- COMMAND

  grant EMAIL ROLE         gives an account a role: customer, operator, courier or admin
  revoke-role EMAIL ROLE   takes it away; the last admin stays one
  disable EMAIL            locks an account out and ends its sessions
  invite-admin EMAIL       makes an admin's account and prints a one-time token for its first password (24 hours)
  rotate-keys              publishes a new signing key, which signs in 15 minutes

The users service's own variables:
${describeConfig(databaseSchema)}
${describeConfig(keySchema)} (rotate-keys only)
`

/** The command was given what it does not know; the message is for people. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
