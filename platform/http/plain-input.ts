/** What no schema says of each field: input has a sensible size, and its text can be stored. */
import { ProblemError } from '../problem.ts'

/**
 * Fields and items of one input, however deep; our largest has a tenth of it. The validator looks at every one, compares
 * those of a set with each other and names every fault: a body full of them would hold up everybody else for seconds.
 */
const MAX_PARTS = 2_000

/**
 * PostgreSQL stores neither the null character nor half a surrogate pair. A command that carries one would be accepted
 * and then fail wherever it is written down, at every retry.
 */
const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0')

/** @throws ProblemError `validation_failed` */
export function assertPlainInput(where: 'body' | 'querystring', input: unknown): void {
  const refuse = (path: string, message: string): never => {
    throw new ProblemError(
      'validation_failed',
      `The ${where} is not valid: ${`${path} ${message}`.trim()}.`,
      {
        errors: [{ path, message }],
      },
    )
  }
  const waiting: { path: string; value: unknown }[] = [{ path: '', value: input }]
  let parts = 0
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { path, value } = next
    if (typeof value === 'string' && !isStorable(value)) refuse(path, 'has characters that cannot be stored')
    if (typeof value !== 'object' || value === null) continue
    parts += Array.isArray(value) ? value.length : Object.keys(value).length
    if (parts > MAX_PARTS) refuse('', `must not have more than ${MAX_PARTS} fields and items`)
    for (const [name, inner] of Object.entries(value)) {
      waiting.push({ path: path === '' ? name : `${path}/${name}`, value: inner })
    }
  }
}
