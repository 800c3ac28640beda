import { setTimeout as sleep } from 'node:timers/promises'

/** As Temporal would: again until it succeeds. */
export async function retried<R>(work: () => Promise<R>): Promise<R> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      if (attempt === 500) throw error
      await sleep(5)
    }
  }
}
