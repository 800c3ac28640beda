/** One validator for everything that comes from outside: bodies are taken literally, text sources (query, headers, environment) are converted. */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import formats from 'ajv-formats'
import type { Static, TSchema } from 'typebox'

const options = { allErrors: true, useDefaults: true, removeAdditional: false, strict: false } as const

const literal = new Ajv({ ...options, coerceTypes: false })
const converting = new Ajv({ ...options, coerceTypes: true })
formats.default(literal)
formats.default(converting)

/** Compiles a schema for values that already have JSON types. */
export const compileLiteral = <S extends TSchema>(schema: S): ValidateFunction<Static<S>> =>
  literal.compile<Static<S>>(schema)

/** Compiles a schema for text: `"5"` becomes 5 where an integer is asked for. */
export const compileConverting = <S extends TSchema>(schema: S): ValidateFunction<Static<S>> =>
  converting.compile<Static<S>>(schema)

export interface FieldError {
  path: string
  message: string
}

/** What the validator found, of Ajv or as Fastify hands it on. */
export type ValidatorFindings =
  readonly Pick<ErrorObject, 'instancePath' | 'keyword' | 'params' | 'message'>[] | null | undefined

/** Of an unknown field's name this much is shown: it comes from the client and may be as long as the body. */
const LONGEST_NAME = 100

/** Turns the validator's findings into `{ path, message }`, naming the field even when it is missing or unknown. */
export function fieldErrors(errors: ValidatorFindings): FieldError[] {
  return (errors ?? []).slice(0, 20).map(({ instancePath, keyword, params, message }) => {
    const parent = instancePath.slice(1)
    const inner = (name: unknown) => {
      const shown = String(name).slice(0, LONGEST_NAME)
      return parent === '' ? shown : `${parent}/${shown}`
    }
    if (keyword === 'required') return { path: inner(params['missingProperty']), message: 'is required' }
    if (keyword === 'additionalProperties') {
      return { path: inner(params['additionalProperty']), message: 'is not a known field' }
    }
    if (keyword === 'enum') {
      const allowed: unknown = params['allowedValues']
      return { path: parent, message: `must be one of ${Array.isArray(allowed) ? allowed.join(', ') : ''}` }
    }
    return { path: parent, message: message ?? 'is not valid' }
  })
}

export class ValidationError extends Error {
  override readonly name = 'ValidationError'
  readonly errors: FieldError[]

  constructor(what: string, errors: FieldError[]) {
    super(`${what}: ${errors.map(({ path, message }) => `${path} ${message}`.trim()).join('; ')}`)
    this.errors = errors
  }
}

/**
 * Returns a function that gives back its argument typed, or throws a ValidationError.
 *
 * @example const parse = parser('an event', EventEnvelope)
 */
export function parser<S extends TSchema>(what: string, schema: S): (value: unknown) => Static<S> {
  const validate = compileLiteral(schema)
  return (value) => {
    if (!validate(value)) throw new ValidationError(what, fieldErrors(validate.errors))
    return value
  }
}
