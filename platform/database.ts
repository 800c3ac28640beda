/** What the platform needs of a service's database; platform/postgres.ts opens one, and every Prisma client fits. */
import { DatabaseError } from 'pg'
import Type from 'typebox'
import { compileLiteral } from './validation.ts'

/** A statement put together from pieces: what `Prisma.sql` and `Prisma.join` make. */
export interface SqlFragment {
  /** With `$1`, `$2`, … for the values. */
  readonly text: string
  readonly values: unknown[]
}

/** Raw SQL, inside or outside a transaction. */
export interface Sql {
  $queryRaw<T = unknown>(query: TemplateStringsArray | SqlFragment, ...values: unknown[]): PromiseLike<T>
  $executeRaw(query: TemplateStringsArray | SqlFragment, ...values: unknown[]): PromiseLike<number>
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

/** How Prisma 7 hands on what PostgreSQL refused for integrity's sake (class 23). */
const isViolation = compileLiteral(
  Type.Object({
    meta: Type.Object({
      driverAdapterError: Type.Object({
        cause: Type.Object({
          originalCode: Type.String({ pattern: '^23' }),
          originalMessage: Type.String(),
        }),
      }),
    }),
  }),
)

/** The name of the constraint or unique index that PostgreSQL refused a statement for. */
export function constraintOf(error: unknown): string | undefined {
  if (error instanceof DatabaseError)
    return error.code?.startsWith('23') === true ? error.constraint : undefined
  if (!isViolation(error)) return undefined
  const { originalMessage } = error.meta.driverAdapterError.cause
  return /constraint "([^"]+)"/.exec(originalMessage)?.[1]
}

/** Answers when the database does. */
export const probeDatabase = (database: Sql) => async (): Promise<void> => {
  await database.$queryRaw`SELECT 1`
}
