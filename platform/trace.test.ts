import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { continueTrace, currentTrace, withTrace } from './trace.ts'

const ID = '4bf92f3577b34da6a3ce929d0e0e4736'

describe('continueTrace', () => {
  it('keeps the trace and its flags and begins a span of its own', () => {
    const trace = continueTrace(`00-${ID}-00f067aa0ba902b7-00`)
    expect(trace.traceId).toBe(ID)
    expect(trace.traceparent).toMatch(new RegExp(`^00-${ID}-[0-9a-f]{16}-00$`))
    expect(trace.traceparent).not.toContain('00f067aa0ba902b7')
  })

  it.each([
    undefined,
    '',
    'nonsense',
    `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    `00-${ID}-${'0'.repeat(16)}-01`,
    `00-${ID.toUpperCase()}-00f067aa0ba902b7-01`,
    `00-${ID}-00f067aa0ba902b7-01\r\nx: y`,
  ])('begins a new trace for %j', (header) => {
    const trace = continueTrace(header)
    expect(trace.traceId).toMatch(/^[0-9a-f]{32}$/)
    expect(trace.traceId).not.toBe(ID)
    expect(trace.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
  })
})

describe('withTrace', () => {
  it('holds for everything the work does, and for nothing beside it', async () => {
    const seen = await Promise.all(
      Array.from({ length: 20 }, async () => {
        const trace = continueTrace(undefined)
        const inside = await withTrace(trace, async () => {
          await sleep(Math.random() * 5)
          return currentTrace()
        })
        return inside === trace
      }),
    )
    expect(seen).toEqual(Array.from({ length: 20 }, () => true))
    expect(currentTrace()).toBeUndefined()
  })
})
