/** Deadlines: how long an order waits for people and things. */
import { condition } from '@temporalio/workflow'

export const HOUR_SECONDS = 3600
export const DAY_SECONDS = 24 * HOUR_SECONDS

/** The moment that many seconds from now, ISO 8601. */
export const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString()

export const isPast = (moment: string): boolean => Date.parse(moment) <= Date.now()

/** The name of a timer in the Temporal UI. No personal data in it. */
export const timerOf = (what: string, until: string) => ({ summary: `${what} until ${until}` })

/**
 * Waits until something holds or the moment has come; answers whether it holds. Throws when the order is cancelled.
 *
 * @param what is waited for, as the Temporal UI shows it
 */
export async function waitUntil(moment: string, holds: () => boolean, what: string): Promise<boolean> {
  if (holds()) return true
  if (isPast(moment)) return false
  return condition(holds, Date.parse(moment) - Date.now(), timerOf(what, moment))
}
