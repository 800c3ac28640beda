import { Client } from 'pg'
import { DATABASE_NAMES } from '#contracts/services.ts'
import { passwordOf } from './secrets.ts'

/**
 * One database and one role per service that stores something. A role owns its database and can connect to no other:
 * what PUBLIC may do by default is taken away. Repeatable.
 */
export const createDatabases = async (
  superuserUrl: string,
  passwords: Record<string, string>,
): Promise<void> => {
  const client = new Client({ connectionString: superuserUrl })
  await client.connect()
  try {
    await client.query('REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC')
    for (const name of DATABASE_NAMES) await createDatabase(client, name, passwordOf(passwords, name))
  } finally {
    await client.end()
  }
}

const createDatabase = async (client: Client, name: string, password: string): Promise<void> => {
  const identifier = client.escapeIdentifier(name)
  if (!(await exists(client, 'SELECT 1 FROM pg_roles WHERE rolname = $1', name))) {
    await client.query(`CREATE ROLE ${identifier} NOSUPERUSER NOCREATEDB NOCREATEROLE`)
  }
  await client.query(`ALTER ROLE ${identifier} LOGIN PASSWORD ${client.escapeLiteral(password)}`)
  if (!(await exists(client, 'SELECT 1 FROM pg_database WHERE datname = $1', name))) {
    await client.query(`CREATE DATABASE ${identifier} OWNER ${identifier}`)
  }
  await client.query(`REVOKE ALL ON DATABASE ${identifier} FROM PUBLIC`)
}

const exists = async (client: Client, query: string, name: string): Promise<boolean> =>
  (await client.query(query, [name])).rowCount === 1
