/**
 * Delivery slots: the service behind the step of saga-step.ts. A map stands for the table; what matters is what the two
 * activities of a step owe the saga.
 */
export type SlotResult =
  | { outcome: 'booked'; slot: number }
  | { outcome: 'full' }
  /** The slot was given back before this call came: it must not come to life again. */
  | { outcome: 'released' }

export interface SlotActivities {
  /** One of the day's slots for an order; a repeat gives the same answer. */
  bookSlot(input: { orderId: string }): Promise<SlotResult>
  /** Gives it back; where there is none, leaves a tombstone. A repeat changes nothing. */
  releaseSlot(input: { orderId: string }): Promise<void>
}

export interface Slots extends SlotActivities {
  bookedBy(orderId: string): number
}

export function createSlots(perDay: number): Slots {
  const answers = new Map<string, SlotResult>()
  const bookedBy = (orderId: string) => Number(answers.get(orderId)?.outcome === 'booked')
  const booked = () => [...answers.keys()].reduce((sum, orderId) => sum + bookedBy(orderId), 0)
  return {
    bookedBy,
    async bookSlot({ orderId }) {
      const slot = booked() + 1
      const answer =
        answers.get(orderId) ?? (slot > perDay ? { outcome: 'full' } : { outcome: 'booked', slot })
      answers.set(orderId, answer)
      return answer
    },
    async releaseSlot({ orderId }) {
      answers.set(orderId, { outcome: 'released' })
    },
  }
}
