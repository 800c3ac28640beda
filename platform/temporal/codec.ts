/**
 * Encrypts what Temporal stores: AES-256-GCM, a fresh nonce per payload, the key's id beside it so that keys can be
 * rotated. The cipher authenticates the key id too.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { METADATA_ENCODING_KEY, ValueError, type Payload, type PayloadCodec } from '@temporalio/common'
import proto from '@temporalio/proto'

const ENCODING = 'binary/encrypted'
const CIPHER = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_ID = 'encryption-key-id'

/** `keyId=base64,…` → keys by id, in the order given. */
export function parsePayloadKeys(text: string): Map<string, Buffer> {
  return new Map(
    text.split(',').map((entry) => {
      const at = entry.indexOf('=')
      const key = Buffer.from(entry.slice(at + 1), 'base64')
      if (key.length !== 32)
        throw new ValueError(`the payload key ${entry.slice(0, at)} is not 32 bytes long`)
      return [entry.slice(0, at), key]
    }),
  )
}

/** @param keys the first one encrypts, all of them decrypt */
export function createEncryptionCodec(keys: ReadonlyMap<string, Buffer>): PayloadCodec {
  const [current] = keys
  if (current === undefined) throw new ValueError('there is no payload key')
  const [currentId, currentKey] = current

  function encrypt(payload: Payload): Payload {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv(CIPHER, currentKey, nonce).setAAD(Buffer.from(currentId))
    const plain = proto.temporal.api.common.v1.Payload.encode(payload).finish()
    const data = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    return {
      metadata: { [METADATA_ENCODING_KEY]: Buffer.from(ENCODING), [KEY_ID]: Buffer.from(currentId) },
      data,
    }
  }

  function decrypt(payload: Payload): Payload {
    if (textOf(payload.metadata?.[METADATA_ENCODING_KEY]) !== ENCODING) return payload
    const id = textOf(payload.metadata?.[KEY_ID])
    const key = keys.get(id)
    if (key === undefined) throw new ValueError(`there is no payload key ${id}`)
    const data = Buffer.from(payload.data ?? [])
    const nonce = data.subarray(0, NONCE_BYTES)
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(
      Buffer.from(id),
    )
    decipher.setAuthTag(data.subarray(data.length - TAG_BYTES))
    const plain = Buffer.concat([decipher.update(data.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
    return proto.temporal.api.common.v1.Payload.decode(plain)
  }

  return {
    encode: async (payloads) => payloads.map(encrypt),
    decode: async (payloads) => payloads.map(decrypt),
  }
}

const textOf = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString()
