/** An option of a benchmark was given something that it cannot take; the message is for people. */
export class OptionError extends Error {
  override readonly name = 'OptionError'
}

/** @throws OptionError when an option is no whole number above zero */
export function positiveInteger(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new OptionError(`${option} must be a number from 1, not "${text}"`)
  return value
}
