/** Private signing keys are stored encrypted: AES-256-GCM, bound to the key's id. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const NONCE_BYTES = 12
const TAG_BYTES = 16

export interface KeyEncryption {
  encrypt(kid: string, text: string): Uint8Array<ArrayBuffer>
  /** @throws Error when it was encrypted under another key, for another id, or was changed */
  decrypt(kid: string, stored: Uint8Array): string
}

/** @param keyEncryptionKey 32 bytes in base64 */
export function createKeyEncryption(keyEncryptionKey: string): KeyEncryption {
  const key = Buffer.from(keyEncryptionKey, 'base64')
  return {
    encrypt(kid, text) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(kid))
      const encrypted = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Uint8Array.from(Buffer.concat([nonce, cipher.getAuthTag(), encrypted]))
    },
    decrypt(kid, stored) {
      const bytes = Buffer.from(stored)
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
      decipher.setAAD(Buffer.from(kid)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
      try {
        return Buffer.concat([
          decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES)),
          decipher.final(),
        ]).toString()
      } catch (cause) {
        throw new Error(
          `The signing key ${kid} cannot be decrypted: KEY_ENCRYPTION_KEY is not the one it was stored with.`,
          {
            cause,
          },
        )
      }
    },
  }
}
