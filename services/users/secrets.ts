/** Secrets that are handed out once and kept as hashes: refresh tokens, API keys, invitations. */
import { createHash, randomBytes } from 'node:crypto'

const SECRET_BYTES = 32

/** 256 random bits in base64url, after a prefix that tells what it is. */
export const newSecret = (prefix = ''): string => prefix + randomBytes(SECRET_BYTES).toString('base64url')

/** SHA-256 is enough: nobody guesses 256 random bits, and it can be looked up. */
export const hashSecret = (secret: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(createHash('sha256').update(secret).digest())
