/** Accounts from the command line: `npm run users -- …`. */
import { ConfigError } from '#platform/config.ts'
import { ProblemError } from '#platform/problem.ts'
import { ValidationError } from '#platform/validation.ts'
import { HELP, UsageError } from './cli-usage.ts'

const isForPeople = (error: unknown): error is Error =>
  [UsageError, ConfigError, ValidationError, ProblemError].some((kind) => error instanceof kind)

/** What the commands stand on is missing: in a fresh clone that is the database client. */
const isNotGenerated = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'

function explain(error: unknown): unknown {
  if (isForPeople(error)) return error.message
  return isNotGenerated(error) ? 'The database client is not there yet: `npm run generate` makes it.' : error
}

const words = process.argv.slice(2)
if (words.includes('--help') || words.includes('-h')) console.log(HELP)
else {
  try {
    const { runCommand } = await import('./commands.ts')
    console.log(await runCommand(words, process.env))
  } catch (error) {
    console.error(explain(error))
    process.exitCode = error instanceof UsageError ? 2 : 1
  }
}
