/** Loads the implementation of a port that the configuration names. */
import { ConfigError } from './config.ts'

/** The name of a file or folder, and nothing that could lead out of where such files are. */
export const EXTENSION_NAME = '^[a-z][a-z0-9-]{1,29}$'

export interface Extension<Part extends string, Value> {
  /** What it is, for the message when it is not there: `tax policy`. */
  what: string
  name: string
  /** Where it is looked for, for the message. */
  folder: string
  /** Imports the module of this name; the caller's, since a relative path is relative to the file that says it. */
  load: (name: string) => Promise<unknown>
  /** What the module has to export. */
  part: Part
  accepts: (exported: unknown) => exported is Value
}

/** @throws ConfigError when there is no such module, or it does not export what it should */
export async function loadExtension<Part extends string, Value>({
  what,
  name,
  folder,
  load,
  part,
  accepts,
}: Extension<Part, Value>): Promise<Value> {
  const module = await load(name).catch((cause: unknown) => {
    // the folder may be there, and an import of its own may not
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new ConfigError(`The ${what} ${name} cannot be loaded from ${folder}: ${why}`, { cause })
  })
  const exported = hasPart(module, part) ? module[part] : undefined
  if (!accepts(exported)) throw new ConfigError(`The ${what} ${name} exports no usable ${part}.`)
  return exported
}

/**
 * Webhooks and consumers find an extension by its own name, so it has to be that of its folder.
 *
 * @throws ConfigError when it is another one
 */
export function hasNameOf<Value extends { readonly name: string }>(
  { what, name }: Pick<Extension<string, never>, 'what' | 'name'>,
  extension: Value,
): Value {
  if (extension.name === name) return extension
  throw new ConfigError(
    `The ${what} ${name} calls itself ${extension.name}: its name has to be its folder's.`,
  )
}

const hasPart = <Part extends string>(module: unknown, part: Part): module is Record<Part, unknown> =>
  typeof module === 'object' && module !== null && part in module
