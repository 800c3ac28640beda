/** Which tokens died before their time. */
import type { AnyDomainEvent } from '#contracts/events.ts'
import { MAX_LIFE_SECONDS, type AccessClaims } from './access-token.ts'

/** Tokens issued longer ago than this have expired anyway, with room for clocks that differ. */
const REMEMBERED_MS = MAX_LIFE_SECONDS * 1_000 + 300_000

export interface Revocations {
  /** Whether this token's session has ended, or all of its user's tokens of that moment are void. */
  isRevoked(claims: Pick<AccessClaims, 'sub' | 'sid' | 'iat' | 'iat_ms'>): boolean
  /** Takes an event of the users service; those that revoke nothing are ignored. */
  apply(event: AnyDomainEvent): void
}

/**
 * @param onRightsChanged told of every user whose rights changed, whose sessions all ended or who revoked a key
 */
export function createRevocations(
  onRightsChanged: (userId: string) => void,
  now: () => number = Date.now,
): Revocations {
  const voidBefore = new Map<string, number>()
  /** Sessions that ended, which is for good, and when. */
  const ended = new Map<string, number>()

  function revoke(userId: string, before: number): void {
    remember(voidBefore, userId, before)
    onRightsChanged(userId)
  }

  function remember(moments: Map<string, number>, id: string, moment: number): void {
    moments.set(id, Math.max(moment, moments.get(id) ?? 0))
    for (const [other, long] of moments) {
      if (long < now() - REMEMBERED_MS) moments.delete(other)
    }
  }

  return {
    isRevoked({ sub, sid, iat, iat_ms }) {
      if (ended.has(sid)) return true
      const before = voidBefore.get(sub)
      if (before === undefined) return false
      return iat_ms === undefined ? iat < Math.floor(before / 1_000) : iat_ms < before
    },
    apply(event) {
      switch (event.eventType) {
        case 'user.sessions_revoked':
          return event.payload.sessionId === undefined
            ? revoke(event.payload.userId, Date.parse(event.payload.before))
            : remember(ended, event.payload.sessionId, Date.parse(event.payload.before))
        case 'user.roles_changed':
        case 'user.disabled':
        case 'user.erased':
          return revoke(event.payload.userId, Date.parse(event.timestamp))
        case 'user.api_key_revoked':
          return onRightsChanged(event.payload.userId)
        default:
          return
      }
    },
  }
}
