import { randomUUID } from 'node:crypto'
import { text } from 'node:stream/consumers'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { inTransaction } from '#platform/database.ts'
import { silentLogger, testOrders, type TestOrders } from '#tests/support/orders.ts'
import { addToTimeline } from '../timeline.ts'
import { BEGINNING, parseLastEventId } from './event-format.ts'
import { createLiveTimeline, type LiveTimeline, type LiveTimelineOptions } from './live-timeline.ts'

/** Longer than a machine stalls. */
const PATIENCE_MS = 40_000

let orders: TestOrders
const open: LiveTimeline[] = []
beforeAll(async () => {
  orders = await testOrders(10)
})
afterEach(async () => {
  await Promise.all(open.splice(0).map((live) => live.stop()))
})

const start = (options: Partial<LiveTimelineOptions> = {}): LiveTimeline => {
  const live = createLiveTimeline({ database: orders.database, logger: silentLogger, pollMs: 20, ...options })
  open.push(live)
  return live
}
const tell = (orderId: string, name: string) =>
  addToTimeline(orders.database, orderId, [{ kind: 'step', name, status: 'done', source: name }])

/** Reads a stream as it comes. */
function follow(live: LiveTimeline, orderId: string, lastEventId?: string) {
  const stream = live.open({ orderId, caller: 'ada', after: parseLastEventId(lastEventId) })
  let read = ''
  stream.on('data', (chunk: Buffer) => (read += chunk.toString()))
  return {
    stream,
    text: () => read,
    ids: () => [...read.matchAll(/^id: (.*)$/gm)].map(([, id]) => id!),
    names: () =>
      [...read.matchAll(/^data: (.*)$/gm)].map(([, data]) => (JSON.parse(data!) as { name: string }).name),
  }
}

describe('a live timeline', () => {
  it('tells what was and what comes, of this order only', async () => {
    const [{ id }, other] = [await orders.place(), await orders.place()]
    const reader = follow(start(), id)
    await vi.waitFor(() => expect(reader.names()).toEqual(['placeOrder', 'order.created']), PATIENCE_MS)
    await tell(other.id, 'elsewhere')
    await tell(id, 'one')
    await tell(id, 'two')
    await vi.waitFor(
      () => expect(reader.names()).toEqual(['placeOrder', 'order.created', 'one', 'two']),
      PATIENCE_MS,
    )
    expect(reader.text()).toMatch(/^retry: \d+\n\nid: \d+-\d+\nevent: timeline\ndata: \{/)
    const { data } = { data: JSON.parse(/^data: (.*)$/m.exec(reader.text())![1]!) as object }
    expect(Object.keys(data)).toEqual(['at', 'kind', 'name', 'status', 'detail', 'traceId'])
  })

  it('goes on after any event, without a gap and without a repeat', async () => {
    const { id } = await orders.place()
    for (let entry = 0; entry < 250; entry++) await tell(id, `entry ${entry}`)
    const live = start()
    const whole = follow(live, id)
    await vi.waitFor(() => expect(whole.ids()).toHaveLength(252), PATIENCE_MS)
    expect(new Set(whole.ids()).size).toBe(252)
    for (const at of [0, 1, 120, 250, 251]) {
      const rest = follow(live, id, whole.ids()[at])
      await tell(id, `after ${at}`)
      await vi.waitFor(() => expect(rest.names().at(-1)).toBe(`after ${at}`), PATIENCE_MS)
      expect(rest.ids().slice(0, 251 - at)).toEqual(whole.ids().slice(at + 1, 252))
      rest.stream.destroy()
    }
  })

  it('passes over nothing that is committed later than what came after it', async () => {
    const { id } = await orders.place()
    const reader = follow(start(), id)
    await vi.waitFor(() => expect(reader.names()).toHaveLength(2), PATIENCE_MS)
    const [written, committing] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const slow = inTransaction(orders.database, async (tx) => {
      await addToTimeline(tx, id, [{ kind: 'step', name: 'slow', status: 'done', source: 'slow' }])
      written.resolve()
      await committing.promise
    })
    await written.promise
    await tell(id, 'fast')
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(reader.names()).toHaveLength(2) // it waits for the slow one, which is older
    committing.resolve()
    await slow
    await vi.waitFor(() => expect(reader.names().slice(2)).toEqual(['slow', 'fast']), PATIENCE_MS)
  })

  it('beats while nothing happens', async () => {
    const { id } = await orders.place()
    const reader = follow(start({ heartbeatMs: 30 }), id)
    await vi.waitFor(() => expect(reader.text().match(/^:/gm)?.length).toBeGreaterThan(2), PATIENCE_MS)
  })

  it('ends after its time', async () => {
    const { id } = await orders.place()
    const stream = start({ lifeMs: 50 }).open({ orderId: id, caller: 'a', after: BEGINNING })
    expect(await text(stream)).toMatch(/^retry: /)
  })

  it('ends all streams when it stops', async () => {
    const { id } = await orders.place()
    const live = start()
    const streams = ['a', 'b'].map((caller) => live.open({ orderId: id, caller, after: BEGINNING }))
    const ends = Promise.all(streams.map((stream) => text(stream)))
    await live.stop()
    expect(await ends).toHaveLength(2)
  })

  it('gives a caller so many, others as well, and a place again to who leaves', async () => {
    const { id } = await orders.place()
    const live = start({ perCaller: 2, atMost: 3 })
    const listen = (caller: string) => live.open({ orderId: id, caller, after: BEGINNING })
    const [first] = [listen('ada'), listen('ada')]
    expect(() => listen('ada')).toThrow(expect.objectContaining({ code: 'rate_limited', retryAfter: 5 }))
    listen('bob')
    expect(() => listen('eve')).toThrow(expect.objectContaining({ code: 'unavailable' }))
    first.destroy()
    await vi.waitFor(() => expect(() => listen('ada')).not.toThrow(), PATIENCE_MS)
  })

  it('lets go who does not read', async () => {
    const { id } = await orders.place()
    const live = start({ heartbeatMs: 1 })
    const stream = live.open({ orderId: id, caller: 'ada', after: BEGINNING })
    const long = 'x'.repeat(100_000)
    for (let entry = 0; entry < 15; entry++) {
      const source = randomUUID()
      await addToTimeline(orders.database, id, [
        { kind: 'step', name: 's', status: 'd', detail: long, source },
      ])
    }
    await vi.waitFor(() => expect(stream.destroyed).toBe(true), PATIENCE_MS)
  })
})

describe('Last-Event-ID', () => {
  it('is an id that a stream gave out, or none', () => {
    expect(parseLastEventId('12-3')).toEqual({ xact: '12', id: '3' })
    expect([parseLastEventId(undefined), parseLastEventId('')]).toEqual([BEGINNING, BEGINNING])
    for (const strange of ['x', '1', '1-2-3', '-1-2', `${'9'.repeat(30)}-1`, "1-1'; --", ['1-1', '2-2']]) {
      expect(() => parseLastEventId(strange)).toThrow(expect.objectContaining({ code: 'invalid_cursor' }))
    }
  })
})
