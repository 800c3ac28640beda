import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase } from '#tests/support/database.ts'
import { createDisableUser } from './disable-user.ts'
import { endAllSessions, purgeSessions } from './sessions.ts'
import { countOutcomes, openUsers } from './testing.ts'

let users: Awaited<ReturnType<typeof openUsers>>
beforeAll(async () => {
  users = await openUsers(await freshDatabase('users'))
})
afterAll(() => users.store.$disconnect())

const invalid = expect.objectContaining({ code: 'invalid_refresh_token', status: 401 })
const typesOf = async (userId: string) =>
  (await users.events(userId)).map(([version, type]) => [version, type])

describe('refreshSession', () => {
  test('gives a new pair for the same session, with the roles of this moment', async () => {
    const { id, email } = await users.person('customer')
    const first = await users.login(email)
    await users.useCases.setRoles({ userId: id, roles: () => ['customer', 'courier'] })
    const second = await users.useCases.refreshSession(first.refreshToken)
    expect(second.refreshToken).not.toBe(first.refreshToken)
    const [before, after] = [decodeJwt(first.accessToken), decodeJwt(second.accessToken)]
    expect(after['sid']).toBe(before['sid'])
    expect(after.jti).not.toBe(before.jti)
    expect(after['roles']).toEqual(['courier', 'customer'])
  })

  test('tokens are stored as hashes only', async () => {
    const { email } = await users.person('customer')
    const { refreshToken } = await users.login(email)
    const [row] = await users.store.$queryRaw<{ found: bigint }[]>`
      SELECT count(*) AS found FROM refresh_tokens WHERE encode(token_hash, 'escape') LIKE ${`%${refreshToken}%`}`
    expect(row?.found).toBe(0n)
    expect(Buffer.from(refreshToken, 'base64url')).toHaveLength(32)
  })

  test('a rotated token ends its family, the others of the user go on', async () => {
    const { id, email } = await users.person('customer')
    const stolen = await users.login(email)
    const other = await users.login(email)
    const successor = await users.useCases.refreshSession(stolen.refreshToken)
    await expect(users.useCases.refreshSession(stolen.refreshToken)).rejects.toThrow(invalid)
    await expect(users.useCases.refreshSession(successor.refreshToken)).rejects.toThrow(invalid)
    await expect(users.useCases.refreshSession(other.refreshToken)).resolves.toBeDefined()
    const events = await users.events(id)
    expect(events.map(([version, type]) => [version, type])).toEqual([
      [1, 'user.registered'],
      [2, 'user.sessions_revoked'],
    ])
    expect(events[1]?.[2]).toEqual({
      userId: id,
      sessionId: decodeJwt(stolen.accessToken)['sid'],
      reason: 'refresh_reuse',
      before: expect.any(String),
    })
  })

  test('of twenty uses at once exactly one works, and then the family is over', async () => {
    const { id, email } = await users.person('customer')
    const { refreshToken } = await users.login(email)
    const results = await Promise.allSettled(
      Array.from({ length: 20 }, () => users.useCases.refreshSession(refreshToken)),
    )
    expect(countOutcomes(results)).toEqual({ ok: 1, invalid_refresh_token: 19 })
    const winner = results.find((result) => result.status === 'fulfilled')
    await expect(users.useCases.refreshSession(winner?.value.refreshToken ?? '')).rejects.toThrow(invalid)
    expect(await typesOf(id)).toEqual([
      [1, 'user.registered'],
      [2, 'user.sessions_revoked'],
    ])
  })

  test("an unknown, an expired and a disabled user's token are refused without a trace", async () => {
    const { id, email } = await users.person('customer')
    const expired = await users.login(email)
    await users.store.refreshToken.updateMany({
      where: { session: { userId: id } },
      data: { expiresAt: new Date(0) },
    })
    const { id: disabledId, email: disabledEmail } = await users.person('customer')
    const { refreshToken } = await users.login(disabledEmail)
    await createDisableUser(users)(disabledId)
    for (const token of ['x'.repeat(43), expired.refreshToken, refreshToken]) {
      await expect(users.useCases.refreshSession(token)).rejects.toThrow(invalid)
    }
    expect(await typesOf(id)).toEqual([[1, 'user.registered']])
    expect(await typesOf(disabledId)).toEqual([
      [1, 'user.registered'],
      [2, 'user.disabled'],
      [3, 'user.sessions_revoked'],
    ])
  })
})

describe('the cut-off of a revocation', () => {
  test('is after every token issued before it and not after any issued later, while the clock stands still', async () => {
    const { id, email } = await users.person('customer')
    // the clock is behind the last revocation: the same as many revocations within one millisecond
    const standing = new Date(Date.now() + 3_600_000)
    await users.store.user.update({ where: { id }, data: { sessionsValidFrom: standing } })
    const issued: { at: number; order: number }[] = []
    const revoked: { before: number; order: number }[] = []
    let order = 0
    for (let round = 0; round < 3; round++) {
      for (let login = 0; login < 2; login++) {
        const { accessToken } = await users.login(email)
        issued.push({ at: Number(decodeJwt(accessToken)['iat_ms']), order: order++ })
        if (login === 0) continue
        await users.transact((tx) => endAllSessions(tx, id, 'password_changed'))
        const [, , payload] = (await users.events(id)).at(-1) ?? []
        revoked.push({ before: Date.parse((payload as { before: string }).before), order: order++ })
      }
    }
    expect([issued.length, revoked.length]).toEqual([6, 3])
    for (const cut of revoked) {
      for (const token of issued) expect(token.at < cut.before).toBe(token.order < cut.order)
    }
  })
})

describe('logOut', () => {
  test('ends this session only, once, and says so', async () => {
    const { id, email } = await users.person('customer')
    const { refreshToken, accessToken } = await users.login(email)
    const other = await users.login(email)
    const sessionId = decodeJwt(accessToken)['sid']
    await Promise.all(Array.from({ length: 5 }, () => users.useCases.logOut(refreshToken)))
    await expect(users.useCases.refreshSession(refreshToken)).rejects.toThrow(invalid)
    expect((await users.events(id)).slice(1)).toEqual([
      [2, 'user.sessions_revoked', { userId: id, sessionId, reason: 'logout', before: expect.any(String) }],
    ])
    await expect(users.useCases.refreshSession(other.refreshToken)).resolves.toBeDefined()
  })

  test('an unknown token changes nothing and is no error', async () => {
    const count = await users.store.outbox.count()
    await expect(users.useCases.logOut('x'.repeat(43))).resolves.toBeUndefined()
    expect(await users.store.outbox.count()).toBe(count)
  })
})

describe('purgeSessions', () => {
  test('forgets expired tokens and sessions without any, and leaves the living', async () => {
    const { id, email } = await users.person('customer')
    await users.login(email)
    const living = await users.login(email)
    const { sid } = decodeJwt(living.accessToken)
    await users.store.$executeRaw`
      UPDATE sessions SET created_at = created_at - interval '31 days' WHERE user_id = ${id}::uuid`
    await users.store.$executeRaw`
      UPDATE refresh_tokens SET expires_at = now() - interval '1 second' FROM sessions
      WHERE session_id = sessions.id AND user_id = ${id}::uuid AND session_id <> ${sid}::uuid`
    await purgeSessions(users.store)
    expect(await users.store.session.findMany({ where: { userId: id }, select: { id: true } })).toEqual([
      { id: sid },
    ])
    await expect(users.useCases.refreshSession(living.refreshToken)).resolves.toBeDefined()
  })
})
