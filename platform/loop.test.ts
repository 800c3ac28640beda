import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it, vi } from 'vitest'
import { startLoop } from './loop.ts'

const logger = { warn: vi.fn<() => void>() }
const FAR_OFF = 3_600_000

describe('startLoop', () => {
  it('works at once, goes on while there is more, then waits', async () => {
    const work = vi
      .fn<() => Promise<boolean>>()
      .mockResolvedValueOnce(true)
      .mockResolvedValueOnce(true)
      .mockResolvedValue(false)
    const loop = startLoop({ name: 'test', everyMs: FAR_OFF, work, logger })
    await vi.waitFor(() => expect(work).toHaveBeenCalledTimes(3), 40_000)
    await sleep(20)
    expect(work).toHaveBeenCalledTimes(3)
    await loop.stop()
  })

  it('works again when it is nudged, also in the middle of a round', async () => {
    const rounds: (() => void)[] = []
    const work = vi.fn<() => Promise<boolean>>(
      () => new Promise<boolean>((resolve) => rounds.push(() => resolve(false))),
    )
    const loop = startLoop({ name: 'test', everyMs: FAR_OFF, work, logger })
    await vi.waitFor(() => expect(rounds).toHaveLength(1), 40_000)
    loop.nudge()
    rounds[0]!()
    await vi.waitFor(() => expect(rounds).toHaveLength(2), 40_000)
    rounds[1]!()
    await sleep(5)
    loop.nudge()
    await vi.waitFor(() => expect(rounds).toHaveLength(3), 40_000)
    rounds[2]!()
    await loop.stop()
  })

  it('tells a nudge from the interval', async () => {
    const work = vi.fn<(nudged: boolean) => Promise<boolean>>().mockResolvedValue(false)
    const often = startLoop({ name: 'test', everyMs: 5, work, logger })
    await vi.waitFor(() => expect(work.mock.calls.length).toBeGreaterThan(2), 40_000)
    await often.stop()
    expect(work.mock.calls.slice(0, 3)).toEqual([[false], [false], [false]])
    work.mockClear()
    const seldom = startLoop({ name: 'test', everyMs: FAR_OFF, work, logger })
    await vi.waitFor(() => expect(work).toHaveBeenCalledOnce(), 40_000)
    seldom.nudge()
    await vi.waitFor(() => expect(work.mock.calls).toEqual([[false], [true]]), 40_000)
    await seldom.stop()
  })

  it('answers the first nudge at once and those after it together, when it has rested', async () => {
    const began: number[] = []
    const work = async () => {
      began.push(performance.now())
      return false
    }
    const loop = startLoop({ name: 'test', everyMs: FAR_OFF, restMs: 2_000, work, logger })
    await sleep(2_100)
    const nudged = performance.now()
    loop.nudge()
    await vi.waitFor(() => expect(began).toHaveLength(2), 40_000)
    for (let nudge = 0; nudge < 10; nudge++) loop.nudge()
    await vi.waitFor(() => expect(began).toHaveLength(3), 40_000)
    await sleep(20)
    expect(began).toHaveLength(3)
    // it had rested, and did not rest again
    expect(began[1]! - nudged).toBeLessThan(1_900)
    expect(began[2]! - began[1]!).toBeGreaterThan(1_990)
    await loop.stop()
  })

  it('does not finish its rest before it stops', async () => {
    const work = vi.fn<() => Promise<boolean>>().mockResolvedValue(false)
    const loop = startLoop({ name: 'test', everyMs: FAR_OFF, restMs: FAR_OFF, work, logger })
    await vi.waitFor(() => expect(work).toHaveBeenCalledOnce(), 40_000)
    loop.nudge()
    await sleep(5)
    await loop.stop()
    expect(work).toHaveBeenCalledOnce()
  })

  it('goes on after a failure and says why', async () => {
    const failure = new Error('the carrier is away')
    const work = vi.fn<() => Promise<boolean>>().mockRejectedValueOnce(failure).mockResolvedValue(false)
    const loop = startLoop({ name: 'test', everyMs: 5, work, logger })
    await vi.waitFor(() => expect(work.mock.calls.length).toBeGreaterThan(1), 40_000)
    expect(logger.warn).toHaveBeenCalledWith({ err: failure, loop: 'test' }, expect.any(String))
    await loop.stop()
  })

  it('finishes the round that is running before it has stopped', async () => {
    let finish = () => {}
    const work = vi.fn<() => Promise<boolean>>(
      () => new Promise<boolean>((resolve) => (finish = () => resolve(true))),
    )
    const loop = startLoop({ name: 'test', everyMs: 5, work, logger })
    await vi.waitFor(() => expect(work).toHaveBeenCalledOnce(), 40_000)
    const stopped = vi.fn<() => void>()
    const stopping = loop.stop().then(stopped)
    await sleep(10)
    expect(stopped).not.toHaveBeenCalled()
    finish()
    await stopping
    expect(work).toHaveBeenCalledOnce()
  })
})
