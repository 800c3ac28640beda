/**
 * Sends something once per key. A claim with a lease keeps others away while it is being sent; afterwards the key says
 * so. A crash between sending and saying so lets the lease run out and the next delivery sends again: at least once,
 * and the same Message-ID tells the receiver.
 */
import Type from 'typebox'
import { parser } from '#platform/validation.ts'
import type { Bucket } from './buckets.ts'

/** Longer than a mail server is given to take a message. */
export const LEASE_MS = 30_000

const parseState = parser(
  'the state of a notification',
  Type.Union([
    Type.Object({ state: Type.Literal('claimed'), until: Type.Number() }),
    Type.Object({ state: Type.Literal('sent') }),
  ]),
)

/** Another process is sending this at the moment: the event is to come again. */
export class BeingSentError extends Error {
  override readonly name = 'BeingSentError'
}

export type SendOnce = (key: string, send: () => Promise<void>) => Promise<void>

export const createSendOnce =
  (bucket: Bucket, clock = Date.now): SendOnce =>
  async (key, send) => {
    const revision = await claim(bucket, key, clock())
    if (revision === undefined) return
    try {
      await send()
    } catch (error) {
      await bucket.remove(key, revision).catch(() => {}) // the lease ends by itself too
      throw error
    }
    await bucket.replace(key, { state: 'sent' }, revision)
  }

/** @returns the revision of our claim; undefined when it was sent before */
async function claim(bucket: Bucket, key: string, now: number): Promise<number | undefined> {
  const ours = { state: 'claimed', until: now + LEASE_MS }
  const created = await bucket.create(key, ours)
  if (created !== undefined) return created
  const known = await bucket.read(key)
  if (known === undefined) throw new BeingSentError(`${key} was released just now`)
  const state = parseState(known.value)
  if (state.state === 'sent') return undefined
  if (state.until > now) throw new BeingSentError(`${key} is being sent`)
  const revision = await bucket.replace(key, ours, known.revision)
  if (revision === undefined) throw new BeingSentError(`${key} was claimed just now`)
  return revision
}
