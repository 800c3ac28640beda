/** Keyset pagination: a cursor is the sort key of the last row that was given out, opaque to the client. */
import Type, { type Static, type TSchema } from 'typebox'
import { Id, Timestamp } from '#contracts/schemas.ts'
import { ProblemError } from './problem.ts'
import { compileLiteral } from './validation.ts'

/** The sort key of lists that show the newest first. */
export const NewestFirst = Type.Tuple([Timestamp, Id], { additionalItems: false, minItems: 2 })

/** @example encodeCursor([row.createdAt.toISOString(), row.id]) */
export const encodeCursor = (values: readonly (string | number | null)[]): string =>
  Buffer.from(JSON.stringify(values)).toString('base64url')

/**
 * Reads a cursor back; none is the first page.
 *
 * @throws ProblemError `invalid_cursor` when it is not one that `encodeCursor` made for this list
 */
export function decodeCursor<S extends TSchema>(schema: S, text: string | undefined): Static<S> | undefined {
  if (text === undefined) return undefined
  const values = parse(text)
  if (!matches(schema, values)) throw refused()
  return values
}

/**
 * Cuts a page out of rows that were asked for with `limit + 1`.
 *
 * @example toPage(rows, limit, (row) => [row.createdAt.toISOString(), row.id])
 */
export function toPage<Row>(
  rows: readonly Row[],
  limit: number,
  keyOf: (row: Row) => readonly (string | number | null)[],
): { data: Row[]; nextCursor: string | null } {
  const data = rows.slice(0, limit)
  const last = data.at(-1)
  return { data, nextCursor: rows.length > limit && last !== undefined ? encodeCursor(keyOf(last)) : null }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch (cause) {
    throw refused(cause)
  }
}

const validators = new WeakMap<TSchema, ReturnType<typeof compileLiteral>>()

function matches<S extends TSchema>(schema: S, value: unknown): value is Static<S> {
  const validate = validators.get(schema) ?? compileLiteral(schema)
  validators.set(schema, validate)
  return validate(value)
}

const refused = (cause?: unknown): ProblemError =>
  new ProblemError('invalid_cursor', 'Use a cursor that this list gave out, or none.', { cause })
