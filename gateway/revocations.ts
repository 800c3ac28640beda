/** Which tokens died before their time. */
import type { AnyDomainEvent } from '#contracts/events.ts'
import { MAX_LIFE_SECONDS, type AccessClaims } from './access-token.ts'

/** Tokens issued longer ago than this have expired anyway, with room for clocks that differ. */
const REMEMBERED_MS = MAX_LIFE_SECONDS * 1_000 + 300_000

export interface Revocations {
  /** Whether this user's tokens of that moment are void. */
  isRevoked(claims: Pick<AccessClaims, 'sub' | 'iat' | 'iat_ms'>): boolean
  /** Takes an event of the users service; those that revoke nothing are ignored. */
  apply(event: AnyDomainEvent): void
}

/**
 * @param onRightsChanged told of every user whose sessions or rights changed
 */
export function createRevocations(
  onRightsChanged: (userId: string) => void,
  now: () => number = Date.now,
): Revocations {
  const voidBefore = new Map<string, number>()

  function revoke(userId: string, before: number): void {
    voidBefore.set(userId, Math.max(before, voidBefore.get(userId) ?? 0))
    onRightsChanged(userId)
    for (const [user, moment] of voidBefore) {
      if (moment < now() - REMEMBERED_MS) voidBefore.delete(user)
    }
  }

  return {
    isRevoked({ sub, iat, iat_ms }) {
      const before = voidBefore.get(sub)
      if (before === undefined) return false
      return iat_ms === undefined ? iat < Math.floor(before / 1_000) : iat_ms < before
    },
    apply(event) {
      switch (event.eventType) {
        case 'user.sessions_revoked':
          return revoke(event.payload.userId, Date.parse(event.payload.before))
        case 'user.roles_changed':
        case 'user.disabled':
        case 'user.erased':
          return revoke(event.payload.userId, Date.parse(event.timestamp))
        default:
          return
      }
    },
  }
}
