import { describe, expect, it } from 'vitest'
import { createKeyedQueue } from './keyed-queue.ts'

describe('createKeyedQueue', () => {
  it('runs one key in order and different keys side by side', async () => {
    const queue = createKeyedQueue()
    const log: string[] = []
    const gate = Promise.withResolvers<void>()
    void queue.add('a', async () => {
      await gate.promise
      log.push('a1')
    })
    void queue.add('a', async () => void log.push('a2'))
    await queue.add('b', async () => void log.push('b1'))
    expect(log).toEqual(['b1'])
    gate.resolve()
    await queue.idle()
    expect(log).toEqual(['b1', 'a1', 'a2'])
  })

  it('goes on after a failure, which only the one who added it sees', async () => {
    const queue = createKeyedQueue()
    const failed = queue.add('a', () => Promise.reject(new Error('no')))
    const after = queue.add('a', async () => {})
    await expect(failed).rejects.toThrow('no')
    await expect(after).resolves.toBeUndefined()
    await queue.idle()
  })

  it('is idle at once when there is nothing, and waits for what was added meanwhile', async () => {
    const queue = createKeyedQueue()
    await queue.idle()
    const done: string[] = []
    void queue.add('a', async () => {
      void queue.add('b', async () => void done.push('b'))
      done.push('a')
    })
    await queue.idle()
    expect(done).toEqual(['a', 'b'])
  })
})
