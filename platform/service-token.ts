/**
 * The tokens that processes of the platform show each other. The caller signs one per request for one service; it lives
 * for 30 seconds at the most. Services accept nothing else: not the customer's own token, not an API key.
 */
import {
  createRemoteJWKSet,
  errors,
  exportJWK,
  generateKeyPair,
  importJWK,
  jwtVerify,
  SignJWT,
  type JWK,
} from 'jose'
import Type, { type Static } from 'typebox'
import { Role, type Role as RoleName } from '#contracts/schemas.ts'
import { invalidConfig } from './config.ts'
import { ProblemError } from './problem.ts'
import { parser, ValidationError } from './validation.ts'

const ALGORITHM = 'EdDSA'
const TOKEN_TYPE = 'svc+jwt'
const LIFETIME_SECONDS = 30
const GATEWAY = 'gateway'
/** An unknown key is looked up at most this often, so that a restarted caller's new key is known soon. */
const KEYS_COOLDOWN_MS = 2_000
const KEYS_TIMEOUT_MS = 3_000

export interface Caller {
  kind: 'anonymous' | 'user' | 'service'
  /** The user's id, `anonymous`, or the service's name. */
  subject: string
  roles: RoleName[]
  /** `['*']` for a person's session; an API key's scopes otherwise. */
  scopes: string[]
}

const Claims = Type.Object({
  sub: Type.String({ minLength: 1 }),
  kind: Type.Enum(['anonymous', 'user', 'service']),
  roles: Type.Array(Role),
  scopes: Type.Array(Type.String()),
})
const parseClaims = parser('the service token', Claims)

const parseKey = parser(
  'the signing key',
  Type.Object({
    kty: Type.Literal('OKP'),
    crv: Type.Literal('Ed25519'),
    kid: Type.String(),
    x: Type.String(),
    d: Type.String(),
  }),
)

export interface ServiceTokenSigner {
  sign(audience: string, caller: Caller): Promise<string>
  /** What others verify with, to be served at `/.well-known/service-jwks.json`. */
  publicKeys(): { keys: JWK[] }
}

/** A new private key as JSON text, for `SERVICE_SIGNING_KEY`. */
export async function generateSigningKey(): Promise<string> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true })
  return JSON.stringify({ ...(await exportJWK(privateKey)), kid: crypto.randomUUID() })
}

/**
 * @param signingKey `SERVICE_SIGNING_KEY`: a private Ed25519 JWK as JSON, as `generateSigningKey` makes it
 * @throws ConfigError naming the variable, and nothing of what it holds
 */
export async function createServiceTokenSigner(
  issuer: string,
  signingKey: string,
): Promise<ServiceTokenSigner> {
  const { jwk, key } = await readSigningKey(signingKey)
  const { d: _secret, ...publicKey } = jwk
  const { kid } = jwk
  return {
    sign: (audience, { kind, subject, roles, scopes }) =>
      new SignJWT({ kind, roles, scopes })
        .setProtectedHeader({ alg: ALGORITHM, typ: TOKEN_TYPE, kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setSubject(subject)
        .setIssuedAt()
        .setExpirationTime(`${LIFETIME_SECONDS}s`)
        .sign(key),
    publicKeys: () => ({ keys: [{ ...publicKey, alg: ALGORITHM, use: 'sig' }] }),
  }
}

async function readSigningKey(text: string) {
  try {
    const jwk = parseKey(JSON.parse(text))
    return { jwk, key: await importJWK(jwk, ALGORITHM) }
  } catch (error) {
    // what a parser says may quote the key, so that it is no cause either
    const why = error instanceof ValidationError ? error.message : 'it cannot be read'
    throw invalidConfig([`SERVICE_SIGNING_KEY is no private Ed25519 JWK as JSON (${why})`])
  }
}

export type CallerVerifier = (authorization: string | undefined) => Promise<Caller>

/** `gateway=http://…,notifications=http://…` → issuer → JWKS URL. */
export function parseIssuers(text: string): Map<string, URL> {
  return new Map(
    text.split(',').map((entry) => {
      const at = entry.indexOf('=')
      return [entry.slice(0, at), new URL(entry.slice(at + 1))]
    }),
  )
}

/**
 * Verifies `Authorization: Bearer …` for one audience.
 *
 * @throws ProblemError `unauthenticated`, or `signing_keys_unavailable` while no key of the issuer could ever be fetched
 */
export function createCallerVerifier(audience: string, issuers: Map<string, URL>): CallerVerifier {
  const keySets = new Map(
    [...issuers].map(([issuer, url]) => [
      issuer,
      createRemoteJWKSet(url, { cooldownDuration: KEYS_COOLDOWN_MS, timeoutDuration: KEYS_TIMEOUT_MS }),
    ]),
  )
  return async (authorization) => {
    const token = /^Bearer (\S+)$/.exec(authorization ?? '')?.[1]
    if (token === undefined) throw new ProblemError('unauthenticated', 'A service token is needed.')
    const issuer = issuerOf(token)
    const keys = keySets.get(issuer)
    if (keys === undefined)
      throw new ProblemError('unauthenticated', 'The service token has an unknown issuer.')
    try {
      const { payload } = await jwtVerify(token, keys, {
        algorithms: [ALGORITHM],
        typ: TOKEN_TYPE,
        audience,
        issuer,
        maxTokenAge: LIFETIME_SECONDS,
        clockTolerance: 5,
        requiredClaims: ['exp', 'sub'],
      })
      const claims = parseClaims(payload)
      assertSpeaksFor(issuer, claims)
      return { kind: claims.kind, subject: claims.sub, roles: claims.roles, scopes: claims.scopes }
    } catch (cause) {
      if (isFetchFailure(cause)) {
        throw new ProblemError('signing_keys_unavailable', 'The keys of the caller cannot be fetched.', {
          cause,
          retryAfter: 2,
        })
      }
      throw new ProblemError('unauthenticated', 'The service token is not valid.', { cause })
    }
  }
}

/** Reads the issuer without trusting it: it only chooses which keys must verify the token. */
function issuerOf(token: string): string {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    return claims !== null && typeof claims === 'object' && 'iss' in claims ? String(claims.iss) : ''
  } catch {
    return '' // not a token at all: no issuer has this name
  }
}

/** Only the gateway knows people; every other process of the platform speaks for itself. */
function assertSpeaksFor(issuer: string, { kind, sub }: Static<typeof Claims>): void {
  if (issuer === GATEWAY || (kind === 'service' && sub === issuer)) return
  throw new Error(`${issuer} may not speak for ${kind} ${sub}`)
}

/** A key set that could not be fetched: a network failure, or an answer that is no key set. */
const isFetchFailure = (error: unknown): boolean =>
  error instanceof TypeError ||
  error instanceof errors.JWKSTimeout ||
  error instanceof errors.JWKSInvalid ||
  (error instanceof errors.JOSEError && error.code === 'ERR_JOSE_GENERIC')
