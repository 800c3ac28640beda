import { describe, expect, test } from 'vitest'
import { createPasswords } from './passwords.ts'

describe('passwords', () => {
  test('a hash verifies its password and no other', async () => {
    const passwords = createPasswords()
    const hash = await passwords.hash('one password')
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(await passwords.verify(hash, 'one password')).toBe(true)
    expect(await passwords.verify(hash, 'other password')).toBe(false)
    expect(await passwords.verify(undefined, 'one password')).toBe(false)
  })

  test('an unusable hash is of no password anyone has', async () => {
    const passwords = createPasswords()
    expect(await passwords.verify(await passwords.unusable(), '')).toBe(false)
  })

  test('whoever comes when the queue is full is told to come back', async () => {
    const passwords = createPasswords(1, 3)
    const results = await Promise.allSettled(Array.from({ length: 6 }, () => passwords.hash('one password')))
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(4)
    const refused = results.filter((result) => result.status === 'rejected')
    expect(refused.map(({ reason }) => [reason.code, reason.retryAfter])).toEqual([
      ['unavailable', 2],
      ['unavailable', 2],
    ])
    await expect(passwords.hash('one password')).resolves.toBeDefined()
  })
})
