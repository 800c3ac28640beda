import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { AnyDomainEvent } from '#contracts/events.ts'
import { createRevocations } from './revocations.ts'

const sub = randomUUID()
const revokedAt = Date.parse('2026-11-23T12:00:00.500Z')

const sid = randomUUID()

const revoked = (before: number, sessionId?: string): AnyDomainEvent => ({
  eventId: randomUUID(),
  eventType: 'user.sessions_revoked',
  aggregateId: sub,
  timestamp: new Date(before + 50).toISOString(),
  version: 2,
  payload: {
    userId: sub,
    before: new Date(before).toISOString(),
    ...(sessionId === undefined ? { reason: 'password_changed' } : { sessionId, reason: 'logout' }),
  },
})

test('milliseconds decide within one second; without them its tokens stay good', () => {
  const told: string[] = []
  const { apply, isRevoked } = createRevocations(
    (userId) => told.push(userId),
    () => revokedAt,
  )
  apply(revoked(revokedAt))
  const iat = Math.floor(revokedAt / 1_000)
  expect(isRevoked({ sub, sid, iat, iat_ms: revokedAt - 1 })).toBe(true)
  expect(isRevoked({ sub, sid, iat, iat_ms: revokedAt })).toBe(false)
  expect(isRevoked({ sub, sid, iat })).toBe(false)
  expect(isRevoked({ sub, sid, iat: iat - 1 })).toBe(true)
  expect(isRevoked({ sub: randomUUID(), sid, iat: iat - 1 })).toBe(false)
  expect(told).toEqual([sub])
})

test('an older revocation that arrives later takes nothing back', () => {
  const { apply, isRevoked } = createRevocations(
    () => {},
    () => revokedAt,
  )
  apply(revoked(revokedAt))
  apply(revoked(revokedAt - 60_000))
  expect(isRevoked({ sub, sid, iat: 0, iat_ms: revokedAt - 1 })).toBe(true)
})

test('a session that ended takes its own tokens along, none of its user’s others, and no right', () => {
  const told: string[] = []
  const { apply, isRevoked } = createRevocations(
    (userId) => told.push(userId),
    () => revokedAt,
  )
  apply(revoked(revokedAt, sid))
  const older = { sub, iat: Math.floor(revokedAt / 1_000) - 60 }
  expect(isRevoked({ ...older, sid })).toBe(true)
  expect(isRevoked({ ...older, sid, iat_ms: revokedAt - 60_000 })).toBe(true)
  expect(isRevoked({ ...older, sid: randomUUID(), iat_ms: revokedAt - 60_000 })).toBe(false)
  expect(told).toEqual([])
})

test('sessions are forgotten once their tokens have expired', () => {
  let clock = revokedAt
  const { apply, isRevoked } = createRevocations(
    () => {},
    () => clock,
  )
  apply(revoked(revokedAt, sid))
  clock += 600_000
  apply(revoked(clock, randomUUID()))
  expect(isRevoked({ sub, sid, iat: 0 })).toBe(true)
  clock += 300_001
  apply(revoked(clock, randomUUID()))
  expect(isRevoked({ sub, sid, iat: 0 })).toBe(false)
})

test('a revoked API key makes its owner’s keys be asked for again, and ends no session', () => {
  const told: string[] = []
  const { apply, isRevoked } = createRevocations((userId) => told.push(userId))
  apply({
    eventId: randomUUID(),
    eventType: 'user.api_key_revoked',
    aggregateId: sub,
    timestamp: new Date(revokedAt).toISOString(),
    version: 2,
    payload: { userId: sub, keyId: randomUUID() },
  })
  expect(told).toEqual([sub])
  expect(isRevoked({ sub, sid, iat: 0, iat_ms: 0 })).toBe(false)
})
