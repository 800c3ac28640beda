/** The words after a command's name. */
import { parseArgs, type ParseArgsConfig } from 'node:util'

/**
 * What the command was given. One that was given something it does not know says so with its usage, and ends with 2.
 *
 * @example const { values } = parseCommandLine(USAGE, { options: { help: { type: 'boolean' } } })
 */
export function parseCommandLine<const Config extends ParseArgsConfig>(
  usage: string,
  config: Config,
): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config)
  } catch (error) {
    if (!isForPeople(error)) throw error
    return rejectCommandLine(usage, error.message)
  }
}

/** Says what is wrong with what the command was given, with its usage, and ends with 2. */
export function rejectCommandLine(usage: string, message: string): never {
  process.stderr.write(`${message}\n\n${usage}\n`)
  process.exit(2)
}

const isForPeople = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS_')
