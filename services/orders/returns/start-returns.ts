/** Starts the workflows of returns: at once after the commit, and by a relay for those whose start failed. */
import type { Sql } from '#platform/database.ts'
import type { Stoppable } from '#platform/lifecycle.ts'
import type { Logger } from '#platform/logger.ts'
import { GRACE_SECONDS, LONGEST_PAUSE_SECONDS, startRelay } from '../start-relay.ts'
import { loadReturnInput, type ReturnTerms } from './return-input.ts'
import type { ReturnWorkflows } from './return-workflow.ts'

interface Dependencies {
  database: Sql
  returnWorkflows: Pick<ReturnWorkflows, 'start'>
  terms: ReturnTerms
  logger: Logger
}

export type StartReturn = (returnId: string) => Promise<void>

export const createStartReturn =
  ({ database, returnWorkflows, terms }: Omit<Dependencies, 'logger'>): StartReturn =>
  async (returnId) => {
    await returnWorkflows.start(await loadReturnInput(database, returnId, terms))
    await database.$executeRaw`
      UPDATE returns SET started_at = now() WHERE id = ${returnId}::uuid AND started_at IS NULL`
  }

export function startReturnRelay({ logger, ...dependencies }: Dependencies): Stoppable {
  const { database } = dependencies
  return startRelay({
    name: 'returns',
    due: (limit) => database.$queryRaw`
      SELECT id, trace FROM returns
      WHERE started_at IS NULL AND created_at < now() - make_interval(secs => ${GRACE_SECONDS})
        AND next_start_at <= now()
      ORDER BY next_start_at LIMIT ${limit}`,
    start: createStartReturn(dependencies),
    postpone: (returnId) => database.$executeRaw`
      UPDATE returns SET start_attempts = start_attempts + 1,
        next_start_at = now() + make_interval(secs => least(${LONGEST_PAUSE_SECONDS}, 2 ^ least(start_attempts, 10)))
      WHERE id = ${returnId}::uuid`,
    logger,
  })
}
