import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '#tests/support/database.ts'
import { createDisableUser } from './disable-user.ts'
import { countOutcomes, ISSUER, openUsers, PASSWORD } from './testing.ts'

let users: Awaited<ReturnType<typeof openUsers>>
beforeAll(async () => {
  users = await openUsers(await freshDatabase('users'))
})
afterAll(() => users.store.$disconnect())

const refused = (code: string) => expect.objectContaining({ code })

describe('logIn', () => {
  test('answers an access token that the published keys verify, with every claim the gateway looks at', async () => {
    const { id, email } = await users.person('customer', 'operator')
    const before = Date.now()
    const tokens = await users.login(email)
    expect(tokens).toMatchObject({ tokenType: 'Bearer', expiresIn: 600 })
    const keys = createLocalJWKSet(await users.keyRing.published())
    const { payload } = await jwtVerify(tokens.accessToken, keys, {
      algorithms: ['EdDSA'],
      issuer: ISSUER,
      audience: 'mainstay',
      typ: 'at+jwt',
    })
    expect(payload).toEqual({
      iss: ISSUER,
      aud: 'mainstay',
      sub: id,
      roles: ['customer', 'operator'],
      sid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
      iat: Math.floor(Number(payload['iat_ms']) / 1000),
      exp: Number(payload.iat) + 600,
      iat_ms: expect.any(Number),
    })
    expect(Number(payload['iat_ms'])).toBeGreaterThanOrEqual(before - 50)
    expect(Number(payload['iat_ms'])).toBeLessThanOrEqual(Date.now() + 50)
    expect(decodeProtectedHeader(tokens.accessToken)).toEqual({
      alg: 'EdDSA',
      typ: 'at+jwt',
      kid: (await users.keyRing.published()).keys[0]?.kid,
    })
  })

  test('takes the address in any case of letters', async () => {
    const { email } = await users.person('customer')
    await expect(users.login(email.toUpperCase())).resolves.toMatchObject({ tokenType: 'Bearer' })
  })

  test('an unknown address, a wrong password and a disabled account get the same answer', async () => {
    const { id, email } = await users.person('customer')
    await createDisableUser(users)(id)
    const { email: other } = await users.person('customer')
    const attempts = [users.login('nobody@example.test'), users.login(other, 'wrong'), users.login(email)]
    const results = await Promise.allSettled(attempts)
    expect(results.map((result) => result.status === 'rejected' && result.reason.toBody('', ''))).toEqual(
      Array(3).fill(
        expect.objectContaining({
          code: 'invalid_credentials',
          detail: 'The e-mail address or the password is wrong.',
        }),
      ),
    )
    expect(countOutcomes(results)).toEqual({ invalid_credentials: 3 })
  })

  test('an unknown address takes as long as a wrong password', async () => {
    const { email } = await users.person('customer')
    const time = async (address: string, at: string) => {
      const started = performance.now()
      await users.login(address, 'wrong', at).catch(() => {})
      return performance.now() - started
    }
    await time('warm-up@example.test', '192.0.2.9')
    const known: number[] = []
    const unknown: number[] = []
    for (let round = 0; round < 9; round++) {
      known.push(await time(email, '192.0.2.7'))
      unknown.push(await time('nobody-here@example.test', '192.0.2.8'))
    }
    // each pair has met the same load
    const ratios = unknown.map((took, round) => took / known[round]!)
    const median = ratios.toSorted((a, b) => a - b)[4]
    expect(median).toBeGreaterThan(0.5)
    expect(median).toBeLessThan(2)
  })
})

describe('the login throttle', () => {
  test('after ten failures the right password is refused too, and Retry-After says for how long', async () => {
    const { email } = await users.person('customer')
    for (let failure = 0; failure < 10; failure++) {
      await expect(users.login(email, 'wrong')).rejects.toThrow(refused('invalid_credentials'))
    }
    const error = await users.login(email).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'too_many_logins', status: 429 })
    expect(error).toHaveProperty(
      'retryAfter',
      expect.toSatisfy((seconds: number) => seconds > 800 && seconds <= 900),
    )
  })

  test('of forty guesses at once exactly ten are looked at', async () => {
    const { email } = await users.person('customer')
    const guesses = Array.from({ length: 40 }, () => users.login(email, 'wrong'))
    expect(countOutcomes(await Promise.allSettled(guesses))).toEqual({
      invalid_credentials: 10,
      too_many_logins: 30,
    })
  })

  test('counts by account and address: the owner gets in from elsewhere, and others from there', async () => {
    const { email } = await users.person('customer')
    const { email: other } = await users.person('customer')
    await Promise.allSettled(Array.from({ length: 10 }, () => users.login(email, 'wrong', '198.51.100.1')))
    await expect(users.login(email, PASSWORD, '198.51.100.1')).rejects.toThrow(refused('too_many_logins'))
    await expect(users.login(email, PASSWORD, '198.51.100.2')).resolves.toBeDefined()
    await expect(users.login(other, PASSWORD, '198.51.100.1')).resolves.toBeDefined()
  })

  test('unknown accounts are counted as well, without keeping what was typed', async () => {
    const typed = 'typing-error@example.test'
    const guesses = Array.from({ length: 11 }, () => users.login(typed, 'wrong'))
    expect(countOutcomes(await Promise.allSettled(guesses))).toEqual({
      invalid_credentials: 10,
      too_many_logins: 1,
    })
    const rows = await users.store.loginFailure.findMany()
    expect(rows.length).toBeGreaterThan(0)
    expect(JSON.stringify(rows)).not.toContain('typing-error')
  })

  test('a success forgets the failures before it', async () => {
    const { email } = await users.person('customer')
    for (let round = 0; round < 2; round++) {
      await Promise.allSettled(Array.from({ length: 9 }, () => users.login(email, 'wrong')))
      await expect(users.login(email)).resolves.toBeDefined()
    }
  })

  test('fifty right passwords at once all get in', async () => {
    const { email } = await users.person('customer')
    const logins = Array.from({ length: 50 }, () => users.login(email))
    expect(countOutcomes(await Promise.allSettled(logins))).toEqual({ ok: 50 })
  })

  test('a window that is over counts for nothing', async () => {
    const { email } = await users.person('customer')
    await Promise.allSettled(Array.from({ length: 10 }, () => users.login(email, 'wrong', '203.0.113.9')))
    await users.store
      .$executeRaw`UPDATE login_failures SET since = since - interval '15 minutes' WHERE address = '203.0.113.9'`
    await expect(users.login(email, 'wrong', '203.0.113.9')).rejects.toThrow(refused('invalid_credentials'))
    await expect(users.login(email, PASSWORD, '203.0.113.9')).resolves.toBeDefined()
  })
})
