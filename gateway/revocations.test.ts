import { randomUUID } from 'node:crypto'
import { expect, test } from 'vitest'
import type { AnyDomainEvent } from '#contracts/events.ts'
import { createRevocations } from './revocations.ts'

const sub = randomUUID()
const revokedAt = Date.parse('2026-11-23T12:00:00.500Z')

const revoked = (before: number): AnyDomainEvent => ({
  eventId: randomUUID(),
  eventType: 'user.sessions_revoked',
  aggregateId: sub,
  timestamp: new Date(before + 50).toISOString(),
  version: 2,
  payload: { userId: sub, before: new Date(before).toISOString(), reason: 'logout' },
})

test('milliseconds decide within one second; without them its tokens stay good', () => {
  const told: string[] = []
  const { apply, isRevoked } = createRevocations(
    (userId) => told.push(userId),
    () => revokedAt,
  )
  apply(revoked(revokedAt))
  const iat = Math.floor(revokedAt / 1_000)
  expect(isRevoked({ sub, iat, iat_ms: revokedAt - 1 })).toBe(true)
  expect(isRevoked({ sub, iat, iat_ms: revokedAt })).toBe(false)
  expect(isRevoked({ sub, iat })).toBe(false)
  expect(isRevoked({ sub, iat: iat - 1 })).toBe(true)
  expect(isRevoked({ sub: randomUUID(), iat: iat - 1 })).toBe(false)
  expect(told).toEqual([sub])
})

test('an older revocation that arrives later takes nothing back', () => {
  const { apply, isRevoked } = createRevocations(
    () => {},
    () => revokedAt,
  )
  apply(revoked(revokedAt))
  apply(revoked(revokedAt - 60_000))
  expect(isRevoked({ sub, iat: 0, iat_ms: revokedAt - 1 })).toBe(true)
})
