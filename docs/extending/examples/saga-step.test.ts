import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { Client } from '@temporalio/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeStep } from '#platform/temporal/step-conformance.ts'
import { startWorkers } from '#tests/support/temporal.ts'
import type { delivery } from './saga-step.ts'
import { createSlots, type Slots } from './slots.ts'

describeStep({ describe, it, expect, beforeAll, afterAll }, 'bookSlot', async () => {
  const slots = createSlots(100)
  return {
    undone: 'released',
    async order() {
      const orderId = randomUUID()
      return {
        execute: () => slots.bookSlot({ orderId }),
        compensate: () => slots.releaseSlot({ orderId }),
        effects: async () => slots.bookedBy(orderId),
      }
    },
    stop: () => Promise.resolve(),
  }
})

describe('a saga with the step', () => {
  const policy = { stepAttempts: 2, compensationAttempts: 2, maximumIntervalSeconds: 1 }
  const slots: Slots = createSlots(2)
  let client: Client
  beforeAll(async () => {
    const workflows = fileURLToPath(new URL('./saga-step.ts', import.meta.url))
    client = await startWorkers({ orders: slots }, workflows)
  })

  const run = (orderId: string, fails = false) =>
    client.workflow.execute<typeof delivery>('delivery', {
      workflowId: `delivery-${orderId}`,
      taskQueue: 'orders',
      args: [{ orderId, policy, fails }],
    })

  it('books, gives back what it booked when a later step fails, and takes a refusal as an answer', async () => {
    const [first, failed, second, late] = Array.from({ length: 4 }, () => randomUUID())
    expect(await run(first!)).toEqual([
      { name: 'bookSlot', status: 'completed', detail: null },
      { name: 'loadVan', status: 'completed', detail: null },
    ])
    await expect(run(failed!, true)).rejects.toMatchObject({
      cause: { type: 'SagaFailedError', message: expect.stringContaining('loadVan') },
    })
    expect(slots.bookedBy(failed!)).toBe(0)
    await run(second!)
    expect(await run(late!)).toEqual([{ name: 'bookSlot', status: 'refused', detail: 'full' }])
    expect([first!, second!, late!].map((orderId) => slots.bookedBy(orderId))).toEqual([1, 1, 0])
  })
})
