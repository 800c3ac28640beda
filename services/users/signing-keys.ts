/**
 * The keys that access tokens are signed with. Each one is published before it signs, so that everybody has it by then,
 * and stays published until the last token it signed has died.
 */
import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from 'jose'
import { inTransaction, type Database, type Sql } from '#platform/database.ts'
import { parser } from '#platform/validation.ts'
import Type from 'typebox'
import type { KeyEncryption } from './key-encryption.ts'

export const ALGORITHM = 'EdDSA'
/** Longer than others keep a fetched key set (10 minutes) and a process its copy of the keys. */
const PUBLISHED_AHEAD_SECONDS = 900
/** Longer than an access token lives (10 minutes). */
const PUBLISHED_AFTER_SECONDS = 900
const COPY_LIVES_MS = 30_000
const LOCK = 77_010

const parseJwk = parser(
  'the stored signing key',
  Type.Object({ kty: Type.Literal('OKP'), crv: Type.Literal('Ed25519'), x: Type.String(), d: Type.String() }),
)

interface KeyRow {
  kid: string
  publicJwk: JWK
  privateJwk: Uint8Array
  activeFrom: Date
}

interface SigningKey {
  kid: string
  key: CryptoKey | Uint8Array
}

export interface KeyRing {
  /** The key that signs now. */
  current(): Promise<SigningKey>
  /** What others verify with: the keys that sign, will sign, or have signed tokens that may still live. */
  published(): Promise<{ keys: JWK[] }>
}

/** Keeps a copy of the keys for half a minute; makes the first key where there is none. */
export function createKeyRing(database: Database, encryption: KeyEncryption, clock = Date.now): KeyRing {
  let copy: { rows: KeyRow[]; readAt: number } | undefined
  const imported = new Map<string, SigningKey>()

  async function rows(): Promise<KeyRow[]> {
    if (copy !== undefined && clock() - copy.readAt < COPY_LIVES_MS) return copy.rows
    let read = await readPublished(database)
    if (read.length === 0) {
      await createFirstKey(database, encryption)
      read = await readPublished(database)
    }
    copy = { rows: read, readAt: clock() }
    return read
  }

  async function open({ kid, privateJwk }: KeyRow): Promise<SigningKey> {
    const known = imported.get(kid)
    if (known !== undefined) return known
    const jwk = parseJwk(JSON.parse(encryption.decrypt(kid, privateJwk)))
    const opened = { kid, key: await importJWK(jwk, ALGORITHM) }
    imported.set(kid, opened)
    return opened
  }

  return {
    async current() {
      const active = (await rows()).findLast(({ activeFrom }) => activeFrom.getTime() <= clock())
      if (active === undefined) throw new Error('no signing key is active yet')
      return open(active)
    },
    async published() {
      return {
        keys: (await rows()).map(({ kid, publicJwk }) => ({ ...publicJwk, kid, alg: ALGORITHM, use: 'sig' })),
      }
    },
  }
}

/** Oldest first. A superseded key has signed until its successor became active. */
const readPublished = (sql: Sql): PromiseLike<KeyRow[]> => sql.$queryRaw<KeyRow[]>`
  SELECT kid, public_jwk AS "publicJwk", private_jwk AS "privateJwk", active_from AS "activeFrom"
  FROM (SELECT *, lead(active_from) OVER (ORDER BY active_from) AS superseded_at FROM signing_keys) AS keys
  WHERE superseded_at IS NULL OR superseded_at > now() - make_interval(secs => ${PUBLISHED_AFTER_SECONDS})
  ORDER BY active_from`

/** However many processes start at the same time, one key is made. It signs at once: nobody has tokens of another. */
async function createFirstKey(database: Database, encryption: KeyEncryption): Promise<void> {
  const key = await newKey(encryption)
  await inTransaction(database, async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCK}::bigint)`
    await tx.$executeRaw`
      INSERT INTO signing_keys (kid, public_jwk, private_jwk, active_from)
      SELECT ${key.kid}, ${key.publicJwk}::jsonb, ${key.privateJwk}, now() - interval '1 second'
      WHERE NOT EXISTS (SELECT 1 FROM signing_keys)`
  })
}

/** Publishes a new key, which signs in 15 minutes; one that still waits for its turn is not overtaken. */
export async function rotateSigningKeys(
  database: Database,
  encryption: KeyEncryption,
): Promise<{ kid: string; activeFrom: Date; created: boolean }> {
  const key = await newKey(encryption)
  return inTransaction(database, async (tx) => {
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(${LOCK}::bigint)`
    const [waiting] = await tx.$queryRaw<{ kid: string; activeFrom: Date }[]>`
      SELECT kid, active_from AS "activeFrom" FROM signing_keys WHERE active_from > now() LIMIT 1`
    if (waiting !== undefined) return { ...waiting, created: false }
    const [row] = await tx.$queryRaw<{ activeFrom: Date }[]>`
      INSERT INTO signing_keys (kid, public_jwk, private_jwk, active_from)
      VALUES (${key.kid}, ${key.publicJwk}::jsonb, ${key.privateJwk},
              now() + make_interval(secs => ${PUBLISHED_AHEAD_SECONDS}))
      RETURNING active_from AS "activeFrom"`
    if (row === undefined) throw new Error('the new signing key was not stored')
    return { kid: key.kid, activeFrom: row.activeFrom, created: true }
  })
}

async function newKey(encryption: KeyEncryption) {
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true })
  const kid = randomUUID()
  return {
    kid,
    publicJwk: JSON.stringify(await exportJWK(publicKey)),
    privateJwk: encryption.encrypt(kid, JSON.stringify(await exportJWK(privateKey))),
  }
}
