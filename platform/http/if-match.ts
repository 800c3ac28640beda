import type { RouteContract } from '#contracts/http/route.ts'
import { ProblemError } from '../problem.ts'

/** A version as this API gives it out. */
const ETAG = /^"(\d{1,15})"$/

/** The version that an ETag names; undefined where that is none of ours. */
export function versionOf(etag: string | string[] | null | undefined): number | undefined {
  const version = ETAG.exec(String(etag))?.[1]
  return version === undefined ? undefined : Number(version)
}

/**
 * The version that If-Match demands, where the route has one; `*` is any. A weak tag never matches, and of several nobody
 * could say which was meant.
 *
 * @throws ProblemError `stale_version`
 */
export function readIfMatch(
  { ifMatch }: Pick<RouteContract, 'ifMatch'>,
  header: string | undefined,
): number | undefined {
  if (ifMatch === undefined || header === undefined || header === '*') return undefined
  const version = versionOf(header)
  if (version === undefined)
    throw new ProblemError('stale_version', 'If-Match is not one version that this API gave out.')
  return version
}
