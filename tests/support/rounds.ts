/** Plays a race again and again, `together` of them at a time: each has an order of its own and may meet the others. */
export async function inRounds(
  count: number,
  together: number,
  round: () => Promise<unknown>,
): Promise<void> {
  for (let played = 0; played < count; played += together) {
    await Promise.all(Array.from({ length: Math.min(together, count - played) }, round))
  }
}
