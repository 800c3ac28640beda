/** What `npm run users` does. The service's relay publishes the events that this writes. */
import Type from 'typebox'
import { Role, type Role as RoleName } from '#contracts/schemas.ts'
import { loadConfig, type Environment } from '#platform/config.ts'
import { constraintOf } from '#platform/database.ts'
import { createUnitOfWork } from '#platform/events/outbox.ts'
import { parser } from '#platform/validation.ts'
import { databaseSchema, HELP, keySchema, UsageError } from './cli-usage.ts'
import { createDisableUser } from './disable-user.ts'
import { createInviteUser } from './invite-user.ts'
import { createKeyEncryption } from './key-encryption.ts'
import { createPasswords } from './passwords.ts'
import { createSetRoles } from './set-roles.ts'
import { rotateSigningKeys } from './signing-keys.ts'
import { findByEmail, openStore, type Store } from './store.ts'

const parseRole: (value: unknown) => RoleName = parser('the role', Role)
const parseEmail = parser('the address', Type.String({ format: 'email', maxLength: 254 }))

/**
 * Runs one command.
 *
 * @returns what to tell the person who gave it
 * @throws UsageError, ConfigError, ValidationError or ProblemError: their messages are for people
 */
export async function runCommand(words: readonly string[], environment: Environment): Promise<string> {
  const [command, ...rest] = words
  const run = command !== undefined && Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined
  if (run === undefined || rest.length !== run.words) throw new UsageError(HELP)
  const { DATABASE_URL } = loadConfig(databaseSchema, environment)
  const store = openStore({ DATABASE_URL, DATABASE_POOL: 2 })
  try {
    return await run.with(store, rest, environment)
  } finally {
    await store.$disconnect()
  }
}

interface Command {
  words: number
  with(store: Store, words: readonly string[], environment: Environment): Promise<string>
}

const transactOn = (store: Store) => createUnitOfWork(store, () => {})

const COMMANDS: Readonly<Record<string, Command>> = {
  grant: {
    words: 2,
    with: (store, [email, role]) => changeRoles(store, email, (roles) => [...roles, parseRole(role)]),
  },
  'revoke-role': {
    words: 2,
    with: (store, [email, word]) => {
      const role = parseRole(word)
      return changeRoles(store, email, (roles) => roles.filter((other) => other !== role))
    },
  },
  disable: {
    words: 1,
    async with(store, [email]) {
      await createDisableUser({ transact: transactOn(store) })(await idOf(store, email))
      return `${email} is disabled.`
    },
  },
  'invite-admin': { words: 1, with: (store, [email]) => inviteAdmin(store, parseEmail(email)) },
  'rotate-keys': {
    words: 0,
    async with(store, _words, environment) {
      const { KEY_ENCRYPTION_KEY } = loadConfig(keySchema, environment)
      const key = await rotateSigningKeys(store, createKeyEncryption(KEY_ENCRYPTION_KEY))
      const what = key.created ? 'is published and signs' : 'was published before and signs'
      return `Key ${key.kid} ${what} from ${key.activeFrom.toISOString()}.`
    },
  },
}

async function idOf(store: Store, email: string | undefined): Promise<string> {
  const user = email === undefined ? undefined : await findByEmail(store, email)
  if (user === undefined) throw new UsageError(`There is no account ${email}.`)
  return user.id
}

async function changeRoles(
  store: Store,
  email: string | undefined,
  roles: (current: RoleName[]) => RoleName[],
): Promise<string> {
  const user = await createSetRoles({ transact: transactOn(store) })({
    userId: await idOf(store, email),
    roles,
  })
  return `${email} has the roles: ${user.roles.join(', ') || 'none'}.`
}

async function inviteAdmin(store: Store, email: string): Promise<string> {
  const invite = createInviteUser({ transact: transactOn(store), passwords: createPasswords() })
  try {
    const { token } = await invite({ email, roles: ['admin'] })
    return `${email} is invited. Within 24 hours, once:
  POST /api/v1/auth/invitations  { "token": "${token}", "password": "…" }`
  } catch (cause) {
    if (constraintOf(cause) !== 'users_email_key') throw cause
    throw new UsageError(`${email} has an account already: grant it the role.`, { cause })
  }
}
