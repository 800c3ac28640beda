/** @throws when an option is no whole number above zero */
export function positiveInteger(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1)
    throw new Error(`${option} must be a number from 1, not "${text}"`)
  return value
}
