/** When a delivery is tried again, from its age alone: that survives restarts, and needs no counting. */
const FIRST_PAUSE_MS = 5_000
const LONGEST_PAUSE_MS = 12 * 3_600_000
const GIVEN_UP_MS = 3 * 86_400_000
/** What waited for days because we were away is still tried a few times. */
const LEAST_DELIVERIES = 5
const JITTER = 0.2

export interface Failure {
  /** Milliseconds since the event was put in the queue. */
  ageMs: number
  /** How often it was taken from the queue, this time included. */
  deliveries: number
}

/**
 * Milliseconds until the next attempt: as long again as it is old, and up to a fifth more, so that what failed together
 * does not come back together. Undefined: nobody tries again.
 */
export function nextPause(
  { ageMs, deliveries }: Failure,
  random: () => number = Math.random,
): number | undefined {
  if (ageMs >= GIVEN_UP_MS && deliveries >= LEAST_DELIVERIES) return undefined
  const pause = Math.min(Math.max(ageMs, FIRST_PAUSE_MS), LONGEST_PAUSE_MS)
  return Math.round(pause * (1 + JITTER * random()))
}
