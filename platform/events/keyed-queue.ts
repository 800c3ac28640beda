/** Runs work of different keys at the same time and work of one key in the order it was added. */
export interface KeyedQueue {
  add(key: string, work: () => Promise<void>): Promise<void>
  /** Resolves when nothing is running or waiting. */
  idle(): Promise<void>
}

export function createKeyedQueue(): KeyedQueue {
  const tails = new Map<string, Promise<void>>()
  return {
    add(key, work) {
      const tail = (tails.get(key) ?? Promise.resolve()).then(work, work)
      const settled = tail
        .catch(() => {})
        .finally(() => {
          if (tails.get(key) === settled) tails.delete(key)
        })
      tails.set(key, settled)
      return tail
    },
    async idle() {
      while (tails.size > 0) await Promise.all(tails.values())
    },
  }
}
