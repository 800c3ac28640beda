import { randomBytes } from 'node:crypto'
import { defaultPayloadConverter, type Payload } from '@temporalio/common'
import { describe, expect, it } from 'vitest'
import { createEncryptionCodec, parsePayloadKeys } from './codec.ts'

const key = () => randomBytes(32).toString('base64')
const oldKey = key()
const newKey = key()
const codec = (keys: string) => createEncryptionCodec(parsePayloadKeys(keys))
const secret = { orderId: 'a-very-secret-order', amount: 1 }
const plain = (): Payload => defaultPayloadConverter.toPayload(secret)
const valueOf = (payload: Payload | undefined): unknown => defaultPayloadConverter.fromPayload(payload!)

describe('createEncryptionCodec', () => {
  it('gives back what it encrypted, and shows nothing of it in between', async () => {
    const { encode, decode } = codec(`k1=${newKey}`)
    const [encrypted] = await encode([plain()])
    expect(Buffer.from(encrypted!.data!).toString('latin1')).not.toContain('secret')
    expect(Buffer.from(encrypted!.metadata!['encoding']!).toString()).toBe('binary/encrypted')
    expect(Buffer.from(encrypted!.metadata!['encryption-key-id']!).toString()).toBe('k1')
    const [decrypted] = await decode([encrypted!])
    expect(valueOf(decrypted)).toEqual(secret)
  })

  it('never encrypts the same thing to the same bytes', async () => {
    const { encode } = codec(`k1=${newKey}`)
    const [first, second] = await encode([plain(), plain()])
    expect(Buffer.from(first!.data!).equals(Buffer.from(second!.data!))).toBe(false)
  })

  it('reads what an older key encrypted and encrypts with the first one', async () => {
    const [old] = await codec(`old=${oldKey}`).encode([plain()])
    const rotated = codec(`new=${newKey},old=${oldKey}`)
    expect(valueOf((await rotated.decode([old!]))[0])).toEqual(secret)
    const [fresh] = await rotated.encode([plain()])
    expect(Buffer.from(fresh!.metadata!['encryption-key-id']!).toString()).toBe('new')
    await expect(codec(`old=${oldKey}`).decode([fresh!])).rejects.toThrow('there is no payload key new')
  })

  it('passes through what is not encrypted', async () => {
    expect(valueOf((await codec(`k1=${newKey}`).decode([plain()]))[0])).toEqual(secret)
  })

  it('refuses what was tampered with: any byte, or the key id', async () => {
    const { encode, decode } = codec(`k1=${newKey},k2=${newKey}`)
    const [encrypted] = await encode([plain()])
    const { length } = encrypted!.data!
    for (const at of [0, 12, Math.floor(length / 2), length - 1]) {
      const data = Buffer.from(encrypted!.data!)
      data[at]! ^= 1
      await expect(decode([{ ...encrypted!, data }])).rejects.toThrow('unable to authenticate')
    }
    const metadata = { ...encrypted!.metadata, 'encryption-key-id': Buffer.from('k2') }
    await expect(decode([{ ...encrypted!, metadata }])).rejects.toThrow('unable to authenticate')
    await expect(decode([{ ...encrypted!, data: Buffer.alloc(5) }])).rejects.toThrow()
  })
})

describe('parsePayloadKeys', () => {
  it('keeps their order and wants 32 bytes of each', () => {
    expect([...parsePayloadKeys(`b=${oldKey},a=${newKey}`).keys()]).toEqual(['b', 'a'])
    expect(() => parsePayloadKeys('short=c2hvcnQ=')).toThrow('the payload key short is not 32 bytes long')
  })
})
