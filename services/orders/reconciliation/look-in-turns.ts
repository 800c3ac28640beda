/** What the looks at workflows have in common, whether of orders or of returns. */
import type { Logger } from '#platform/logger.ts'

/** So many are looked at in one call. */
export const BATCH = 500
const FIRST = '00000000-0000-0000-0000-000000000000'

/** Each call answers with the next ones, so that many open ones do not hide the others; `after` is an id. */
export function inTurns<Row extends { id: string }>(
  next: (after: string) => PromiseLike<Row[]>,
): () => Promise<Row[]> {
  let after = FIRST
  return async () => {
    const rows = await next(after)
    after = rows.length === BATCH ? (rows.at(-1)?.id ?? FIRST) : FIRST
    return rows
  }
}

/** Answers whether a workflow that was missing is started now; the next look tries again. */
export async function tryToStart(
  start: (id: string) => Promise<unknown>,
  id: string,
  logger: Logger,
): Promise<boolean> {
  try {
    await start(id)
    return true
  } catch (error) {
    logger.warn({ err: error, id }, 'a missing workflow could not be started')
    return false
  }
}
