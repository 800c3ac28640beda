import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import Type, { type Static } from 'typebox'
import Value from 'typebox/value'
import { DATABASE_NAMES, SERVICE_NAMES } from '#contracts/services.ts'
import { createPrivateFile, hasCode, writePrivateFile } from './private-files.ts'

/** Passwords by user name. */
const Passwords = Type.Record(Type.String(), Type.String({ minLength: 16 }))

const Secrets = Type.Object({ postgresSuperuser: Type.String(), postgres: Passwords, nats: Passwords })

export type Secrets = Static<typeof Secrets>

/** NATS users: one per service, one for the gateway, and `operator`, who may do anything (setup, tests, benchmarks). */
export const NATS_USERS = [...SERVICE_NAMES, 'gateway', 'operator'] as const

/** Reads `<dataFolder>/secrets.json`, first writing it, or what it lacks, with new random passwords (file mode 0600). */
export const loadSecrets = async (dataFolder: string): Promise<Secrets> => {
  const file = path.join(dataFolder, 'secrets.json')
  const stored = await readSecrets(file)
  if (!stored && existsSync(path.join(dataFolder, 'postgres'))) {
    throw new Error(
      `${file} is gone, so that the databases beside it can't be opened: put it back, or remove ${dataFolder}`,
    )
  }
  const secrets = complete(stored)
  if (!stored) await createPrivateFile(file, format(secrets))
  else if (format(stored) !== format(secrets)) await writePrivateFile(file, format(secrets))
  return secrets
}

const complete = (stored: Secrets | undefined): Secrets => ({
  postgresSuperuser: stored?.postgresSuperuser ?? newPassword(),
  postgres: { ...newPasswords(DATABASE_NAMES), ...stored?.postgres },
  nats: { ...newPasswords(NATS_USERS), ...stored?.nats },
})

const newPasswords = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, newPassword()]))

/** Hexadecimal: it needs no escaping in URLs, SQL or configuration files. */
const newPassword = (): string => randomBytes(24).toString('hex')

const format = (secrets: Secrets): string => `${JSON.stringify(secrets, null, 2)}\n`

const readSecrets = async (file: string): Promise<Secrets | undefined> => {
  try {
    return Value.Parse(Secrets, JSON.parse(await readFile(file, 'utf8')))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw new Error(`${file} can't be read as the stack's secrets`, { cause: error })
  }
}

/** The password of a user; an unknown one is a mistake in the program. */
export const passwordOf = (passwords: Record<string, string>, user: string): string => {
  const password = passwords[user]
  if (password === undefined) throw new Error(`No password was made for the user ${user}`)
  return password
}
