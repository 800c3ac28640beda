import { setTimeout as sleep } from 'node:timers/promises'
import { sharedRefusal } from './refusal.ts'

/** Waits; refuses with 503 when the process stops meanwhile. */
export type Pause = (milliseconds: number) => Promise<void>

export const createPause =
  (stopping: AbortSignal): Pause =>
  async (milliseconds) => {
    try {
      await sleep(milliseconds, undefined, { signal: stopping })
    } catch (error) {
      if (!stopping.aborted) throw error
      throw sharedRefusal('process_stopping', 'Ask again when it is back.')
    }
  }
