import { beforeEach, describe, expect, it } from 'vitest'
import { checkEvents } from './events.ts'
import type { Sources, StreamEvent } from './sources.ts'

const MINUTE = 60_000
const NOON = Date.parse('2026-11-25T12:00:00Z')

/** An event of the only user, published on the minute of its version. */
const row = (version: number) => ({
  event_id: `e${version}`,
  aggregate_id: 'u',
  version,
  type: 'user.changed',
  published_at: new Date(NOON + version * MINUTE) as Date | null,
})
/** Its message; the stream took it shortly after, or when it is said. */
const message = (
  version: number,
  { minutes = version, ...other }: Partial<StreamEvent> & { minutes?: number } = {},
) => ({
  eventId: `e${version}`,
  eventType: 'user.changed',
  aggregateId: 'u',
  version,
  at: new Date(NOON + minutes * MINUTE + 2_000),
  ...other,
})

let rows: ReturnType<typeof row>[]
let inboxes: Record<string, { consumer: string; event_id: string }[]>
beforeEach(() => {
  rows = [row(1), row(2), row(3)]
  inboxes = {}
})

async function problems(...messages: Omit<StreamEvent, 'sequence'>[]) {
  const stream = messages.map((each, index) => ({ sequence: index + 1, ...each }))
  const sources = {
    query: async (database: string, sql: string) => {
      if (sql.endsWith('FROM inbox')) return inboxes[database] ?? []
      return database === 'users' && sql.includes('outbox') ? rows : []
    },
  } as unknown as Sources
  return (await checkEvents(sources, stream)).map(({ subject, problem }) => `${subject}: ${problem}`)
}

describe('the stream', () => {
  it('is sound with every row once, and with repetitions of what came in its order', async () => {
    expect(await problems(message(1), message(2), message(3))).toEqual([])
    expect(await problems(message(1), message(2), message(1), message(3), message(2))).toEqual([])
  })

  it('is sound when what it had lost was sent again, after later events', async () => {
    expect(await problems(message(1), message(3), message(2, { minutes: 9 }))).toEqual([])
    expect(await problems(message(3), message(1, { minutes: 9 }), message(2, { minutes: 9 }))).toEqual([])
  })

  it('is not when an event was published for the first time after a later one', async () => {
    expect(await problems(message(1), message(3), message(2))).toEqual([
      'user u: version 2 follows 3 in the stream',
    ])
  })

  it('is not when an event is missing, in the middle or at the end', async () => {
    expect(await problems(message(1), message(3))).toEqual([
      'user u: version 2 is not in the stream',
      'user.changed u@2: is marked published and is not in the stream',
    ])
    expect(await problems(message(1), message(2))).toEqual([
      'user.changed u@3: is marked published and is not in the stream',
    ])
  })

  it('is not when a row is not published', async () => {
    rows.push({ ...row(4), published_at: null })
    expect(await problems(message(1), message(2), message(3))).toEqual(['user.changed u@4: is not published'])
  })

  it('is not when a version is there twice as two events', async () => {
    expect(await problems(message(1), message(2), message(2, { eventId: 'other' }), message(3))).toEqual([
      'user.changed u@2: message 3 of the stream is in no outbox',
    ])
  })

  it('is not with an event that nobody wrote, or that was written otherwise', async () => {
    const all = [message(1), message(2), message(3)]
    expect(await problems(...all, message(1, { eventId: 'x', aggregateId: 'nobody' }))).toEqual([
      'user.changed nobody@1: message 4 of the stream is in no outbox',
    ])
    expect(await problems(...all, message(3, { eventType: 'user.disabled' }))).toEqual([
      'user.disabled u@3: message 4 of the stream is another event in its outbox',
    ])
  })
})

describe('an inbox', () => {
  beforeEach(() => {
    rows = [row(1), { ...row(2), type: 'user.erased' }]
  })
  const erased = message(2, { eventType: 'user.erased' })

  it('has each event that its consumer records, also one that came twice', async () => {
    inboxes = { orders: [{ consumer: 'orders-erasure', event_id: 'e2' }] }
    expect(await problems(message(1), erased, erased)).toEqual([])
  })

  it('is not complete with the row of another consumer', async () => {
    inboxes = {
      orders: [
        { consumer: 'orders-erasure', event_id: 'e1' },
        { consumer: 'orders-catalog', event_id: 'e2' },
      ],
      users: [{ consumer: 'orders-erasure', event_id: 'e2' }],
    }
    expect(await problems(message(1), erased, erased)).toEqual([
      'orders-erasure u: has not applied user.erased@2',
    ])
  })
})
