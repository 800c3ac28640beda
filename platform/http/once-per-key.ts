/** Idempotency keys as routes use them: a call that is repeated with its key gets the answer that it got. */
import type { RouteContract } from '#contracts/http/route.ts'
import type { Sql } from '../database.ts'
import { once, type Command, type Finish, type StoredAnswer } from '../idempotency.ts'
import type { AnyCall } from './contract.ts'

type Route = Pick<RouteContract, 'method' | 'url'>

/** What a call is known by when it comes again. */
export const commandOf = ({ method, url }: Route, call: AnyCall): Command => ({
  caller: call.caller.subject,
  key: call.idempotencyKey ?? '',
  method,
  // the path as it was written only where it says more than the route
  route: url.includes(':') ? call.path : url,
  body: call.body,
})

/**
 * Runs `work` once per key; a call that came without one, where none is required, just runs.
 *
 * `work` must call `finish` in the transaction of its effect, or after an effect whose repeat is harmless.
 *
 * @throws ProblemError `idempotency_key_reused`, `idempotency_in_progress`, or what `work` throws; after
 * anything but a refusal the key is free
 * @example const { body, replayed } = await oncePerKey(database, putProduct, call, (finish) => put({ ...call, finish }))
 */
export async function oncePerKey<Body>(
  database: Sql,
  route: Route,
  call: AnyCall,
  work: (finish: Finish) => Promise<StoredAnswer<Body>>,
): Promise<StoredAnswer<Body> & { replayed: boolean }> {
  if (call.idempotencyKey !== undefined) return once(database, commandOf(route, call), work)
  return { ...(await work(async () => {})), replayed: false }
}

/** Tells the caller that this is what an earlier call was answered. */
export const replayHeaders = (replayed: boolean): Record<string, string> =>
  replayed ? { 'idempotency-replayed': 'true' } : {}
