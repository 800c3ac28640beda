import { describe, expect, it, vi } from 'vitest'
import { createLifecycle } from './lifecycle.ts'

describe('createLifecycle', () => {
  it('stops in the reverse order, one after the other', async () => {
    const log: string[] = []
    const lifecycle = createLifecycle({ error: vi.fn<() => void>() })
    for (const part of ['database', 'broker', 'http']) {
      lifecycle.onStop(part, async () => {
        log.push(`${part} stops`)
        await Promise.resolve()
        log.push(`${part} stopped`)
      })
    }
    await lifecycle.stop()
    expect(log).toEqual(
      ['http', 'broker', 'database'].flatMap((part) => [`${part} stops`, `${part} stopped`]),
    )
  })

  it('stops once, however often it is asked', async () => {
    const lifecycle = createLifecycle({ error: vi.fn<() => void>() })
    const stop = vi.fn<() => Promise<void>>(async () => {})
    lifecycle.onStop('part', stop)
    await Promise.all([lifecycle.stop(), lifecycle.stop()])
    await lifecycle.stop()
    expect(stop).toHaveBeenCalledOnce()
  })

  it('goes on when one part does not stop, and says which and why', async () => {
    const error = vi.fn<() => void>()
    const lifecycle = createLifecycle({ error })
    const stop = vi.fn<() => Promise<void>>(async () => {})
    const reason = new Error('stuck')
    lifecycle.onStop('database', stop)
    lifecycle.onStop('http', () => Promise.reject(reason))
    await lifecycle.stop()
    expect(stop).toHaveBeenCalledOnce()
    expect(error).toHaveBeenCalledExactlyOnceWith({ err: reason, part: 'http' }, expect.any(String))
  })
})
