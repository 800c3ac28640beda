import { setImmediate } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { closedLoop } from './closed-loop.ts'

describe('closedLoop', () => {
  it('does everything once, never more at a time than it has callers', async () => {
    const done: number[] = []
    let running = 0
    let most = 0
    await closedLoop({
      count: 10,
      concurrency: 3,
      async work(index) {
        running += 1
        most = Math.max(most, running)
        await setImmediate()
        running -= 1
        done.push(index)
      },
    })
    expect(done.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    expect(most).toBe(3)
  })

  it('fails when one piece of work does', async () => {
    const failing = closedLoop({
      count: 5,
      concurrency: 2,
      work: (index) => (index === 3 ? Promise.reject(new Error('refused')) : Promise.resolve()),
    })
    await expect(failing).rejects.toThrow('refused')
  })
})
