/** An error and what caused it, from the outside in; a circle ends it. */
export function causesOf(error: unknown): Error[] {
  const chain = new Set<Error>()
  for (let at = error; at instanceof Error && !chain.has(at); at = at.cause) chain.add(at)
  return [...chain]
}
