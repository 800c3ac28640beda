import { inject, afterAll, describe, expect, it, vi } from 'vitest'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { silentLogger } from '#tests/support/orders.ts'
import { startProxy } from '#tests/support/proxy.ts'
import { createTemporalLink, type TemporalLink } from './link.ts'

const links: TemporalLink[] = []
afterAll(async () => {
  await Promise.all(links.map((link) => link.close()))
})

function linkTo(address: string): TemporalLink {
  const link = createTemporalLink({ TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: 'default' }, silentLogger)
  links.push(link)
  return link
}
const worker = (taskQueue: string = randomUUID()) => ({
  taskQueue,
  activities: { nothing: async () => {} },
  workflows: false,
})

describe('createTemporalLink', () => {
  it('starts its worker when Temporal comes later, and says until then that nobody polls', async () => {
    const proxy = await startProxy(inject('infrastructure').temporalAddress)
    await proxy.cut()
    const link = linkTo(proxy.address)
    const running = link.startWorker(worker('comes-later'))
    await expect(running.probe()).rejects.toThrow('no worker polls comes-later')
    await sleep(300)
    await expect(running.probe()).rejects.toThrow('no worker polls comes-later')
    await proxy.restore()
    await vi.waitFor(() => running.probe(), { timeout: 40_000, interval: 50 })
    await link.probe()
    await running.stop()
    await expect(running.probe()).rejects.toThrow('no worker polls comes-later')
  })

  it('stops a worker whenever it is asked: at once, while it starts, and when it runs', async () => {
    const link = linkTo(inject('infrastructure').temporalAddress)
    for (const delay of [0, 1, 5, 20, 60, 150]) {
      const running = link.startWorker(worker())
      await sleep(delay)
      await running.stop()
    }
    // a worker that was left behind would hold the connection and make this fail
    await expect(link.close()).resolves.toBeUndefined()
    links.splice(links.indexOf(link), 1)
  })

  it('closes while Temporal is away', async () => {
    const proxy = await startProxy(inject('infrastructure').temporalAddress)
    await proxy.cut()
    const link = linkTo(proxy.address)
    const running = link.startWorker(worker())
    await sleep(50)
    const started = performance.now()
    await running.stop()
    await link.close()
    links.splice(links.indexOf(link), 1)
    expect(performance.now() - started).toBeLessThan(40_000)
  })
})
