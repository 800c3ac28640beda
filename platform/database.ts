/** What the platform needs of a service's database; every generated Prisma client fits. */

/** Raw SQL, inside or outside a transaction. */
export interface Sql {
  $queryRaw<T = unknown>(query: TemplateStringsArray, ...values: unknown[]): PromiseLike<T>
  $executeRaw(query: TemplateStringsArray, ...values: unknown[]): PromiseLike<number>
}

export interface Database<Tx extends Sql = Sql> extends Sql {
  $transaction<R>(work: (tx: Tx) => Promise<R>, options?: { maxWait?: number; timeout?: number }): Promise<R>
  $disconnect(): Promise<void>
}

/** Interactive transactions here are short; waiting longer for a connection than for the client's patience helps nobody. */
const TRANSACTION_OPTIONS = { maxWait: 10_000, timeout: 15_000 }

/** Runs `work` in one transaction: all of it happens, or nothing. */
export const inTransaction = <Tx extends Sql, R>(
  database: Database<Tx>,
  work: (tx: Tx) => Promise<R>,
): Promise<R> => database.$transaction(work, TRANSACTION_OPTIONS)

/** The name of the constraint that PostgreSQL refused a statement for, however deep Prisma has wrapped it. */
export function constraintOf(error: unknown): string | undefined {
  const text = JSON.stringify(collect(error))
  return (
    /constraint \\*"+([A-Za-z0-9_]+)\\*"/.exec(text)?.[1] ??
    /"(?:index|constraint)":\{?"?(?:index"?:"?)?([a-z0-9_]+)"/.exec(text)?.[1]
  )
}

function collect(error: unknown, depth = 0): unknown {
  if (error === null || typeof error !== 'object' || depth > 5) return error
  const parts: Record<string, unknown> = error instanceof Error ? { message: error.message } : {}
  for (const [key, value] of Object.entries(error)) parts[key] = collect(value, depth + 1)
  if (error instanceof Error && error.cause !== undefined) parts['cause'] = collect(error.cause, depth + 1)
  return parts
}

/** Answers when the database does. */
export const probeDatabase = (database: Sql) => async (): Promise<void> => {
  await database.$queryRaw`SELECT 1`
}
