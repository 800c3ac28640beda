/** A fixed number of callers, each of whom begins again when what it began has ended. */
export async function closedLoop({
  count,
  concurrency,
  work,
}: {
  count: number
  concurrency: number
  /** @param index 0 to `count` − 1, each once */
  work: (index: number) => Promise<void>
}): Promise<void> {
  let next = 0
  const caller = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index)
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, caller))
}
