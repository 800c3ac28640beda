import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase } from '#tests/support/database.ts'
import { createKeyEncryption } from './key-encryption.ts'
import { createKeyRing, rotateSigningKeys } from './signing-keys.ts'
import { openStore, type Store } from './store.ts'

let store: Store
beforeAll(async () => {
  store = openStore({ DATABASE_URL: await freshDatabase('users'), DATABASE_POOL: 20 })
})
afterAll(() => store.$disconnect())
beforeEach(async () => {
  await store.signingKey.deleteMany()
})

const encryption = createKeyEncryption(randomBytes(32).toString('base64'))
const ring = (clock?: () => number) => createKeyRing(store, encryption, clock)
const publishedIds = async () => (await ring().published()).keys.map(({ kid }) => kid)

/** Moves every key into the past, which is the same as waiting. */
const pass = (minutes: number) => store.$executeRaw`
  UPDATE signing_keys SET active_from = active_from - make_interval(mins => ${minutes})`

describe('the key ring', () => {
  test('ten first starts at once make one key, and all sign with it', async () => {
    const keys = await Promise.all(Array.from({ length: 10 }, () => ring().current()))
    expect(new Set(keys.map(({ kid }) => kid)).size).toBe(1)
    expect(await store.signingKey.count()).toBe(1)
  })

  test('publishes public halves only', async () => {
    const { keys } = await ring().published()
    expect(keys).toEqual([
      {
        kty: 'OKP',
        crv: 'Ed25519',
        x: expect.any(String),
        kid: expect.any(String),
        alg: 'EdDSA',
        use: 'sig',
      },
    ])
  })

  test('private keys are encrypted in the database, under this key and for this id', async () => {
    await ring().current()
    const [row] = await store.signingKey.findMany()
    expect(Buffer.from(row?.privateJwk ?? []).toString('latin1')).not.toContain('"d"')
    const other = createKeyEncryption(randomBytes(32).toString('base64'))
    await expect(createKeyRing(store, other).current()).rejects.toThrow(/KEY_ENCRYPTION_KEY is not the one/)
    expect(() => encryption.decrypt('another-id', row?.privateJwk ?? new Uint8Array())).toThrow(
      /cannot be decrypted/,
    )
    expect(encryption.decrypt(row?.kid ?? '', row?.privateJwk ?? new Uint8Array())).toContain('"d"')
  })

  test('a new key is published 15 minutes before it signs, the old one 15 minutes after', async () => {
    const old = (await ring().current()).kid
    const { kid } = await rotateSigningKeys(store, encryption)
    expect(await publishedIds()).toEqual([old, kid])
    expect((await ring().current()).kid).toBe(old)
    await pass(14)
    expect((await ring().current()).kid).toBe(old)
    await pass(2)
    expect((await ring().current()).kid).toBe(kid)
    expect(await publishedIds()).toEqual([old, kid])
    await pass(15)
    expect(await publishedIds()).toEqual([kid])
  })

  test('a running process takes the new key when its time comes', async () => {
    let now = Date.now()
    const running = ring(() => now)
    const old = (await running.current()).kid
    const { kid } = await rotateSigningKeys(store, encryption)
    now += 14 * 60_000
    expect((await running.current()).kid).toBe(old)
    now += 2 * 60_000
    expect((await running.current()).kid).toBe(kid)
  })

  test('five rotations at once publish one key', async () => {
    await ring().current()
    const rotations = await Promise.all(Array.from({ length: 5 }, () => rotateSigningKeys(store, encryption)))
    expect(rotations.filter(({ created }) => created)).toHaveLength(1)
    expect(new Set(rotations.map(({ kid }) => kid)).size).toBe(1)
    expect(await store.signingKey.count()).toBe(2)
  })
})
