import { describe, expect, it } from 'vitest'
import { checkHealth, runProbe } from './health.ts'
import { version } from './version.ts'

describe('runProbe', () => {
  it('is up with what the dependency says of itself', async () => {
    expect(await runProbe(async () => 'ready')).toEqual({
      status: 'up',
      latencyMs: expect.any(Number),
      detail: 'ready',
    })
    expect(await runProbe(async () => {})).toEqual({ status: 'up', latencyMs: expect.any(Number) })
  })

  it('is down with the reason, also when the probe throws at once', async () => {
    const reasons = [
      await runProbe(() => Promise.reject(new Error('refused'))),
      await runProbe(() => {
        throw new Error('refused')
      }),
    ]
    for (const check of reasons) expect(check).toMatchObject({ status: 'down', detail: 'refused' })
  })

  it('is down when no answer comes in time, and takes no longer', async () => {
    const started = performance.now()
    const check = await runProbe(() => new Promise(() => {}), 30)
    expect(check).toMatchObject({ status: 'down', detail: 'no answer within 30 ms' })
    expect(performance.now() - started).toBeLessThan(1_000)
  })
})

describe('checkHealth', () => {
  it('is healthy when everything is up', async () => {
    expect(await checkHealth({ database: async () => {}, broker: async () => 'near' })).toEqual({
      status: 'healthy',
      version,
      uptime: expect.any(Number),
      checks: {
        database: { status: 'up', latencyMs: expect.any(Number) },
        broker: { status: 'up', latencyMs: expect.any(Number), detail: 'near' },
      },
    })
  })

  it('is degraded when one thing is down, and says which', async () => {
    const health = await checkHealth({
      database: async () => {},
      broker: () => Promise.reject(new Error('away')),
    })
    expect(health.status).toBe('degraded')
    expect(health.checks['database']?.status).toBe('up')
    expect(health.checks['broker']).toMatchObject({ status: 'down', detail: 'away' })
  })

  it('asks all at once', async () => {
    let asked = 0
    const all = Promise.withResolvers<void>()
    const together = () => {
      asked += 1
      if (asked === 3) all.resolve()
      return all.promise
    }
    expect((await checkHealth({ a: together, b: together, c: together })).status).toBe('healthy')
  })
})
