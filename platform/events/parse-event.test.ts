import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { outgoing } from '#tests/support/broker.ts'
import { parseEvent } from './parse-event.ts'

describe('parseEvent', () => {
  const { trace: _trace, ...event } = outgoing(randomUUID(), 1)
  const subject = `evt.users.user.registered.${event.aggregateId}`
  const bytes = (value: unknown) => ({ subject, data: new TextEncoder().encode(JSON.stringify(value)) })

  it('gives back an event that is whole', () => {
    expect(parseEvent(bytes(event))).toEqual(event)
  })

  it.each([
    ['no JSON', { subject, data: new TextEncoder().encode('{') }, 'is not JSON'],
    ['an unknown type', bytes({ ...event, eventType: 'toString' }), 'toString is not known'],
    ['a field too many', bytes({ ...event, extra: 1 }), 'extra is not a known field'],
    ['version 0', bytes({ ...event, version: 0 }), 'version must be >= 1'],
    ['a payload of another event', bytes({ ...event, payload: {} }), 'user.registered: userId is required'],
    [
      'an event that came on the subject of another',
      { ...bytes(event), subject: `evt.orders.order.created.${event.aggregateId}` },
      'came on evt.orders.order.created',
    ],
    [
      'an event that came on the subject of another aggregate',
      { ...bytes(event), subject: `evt.users.user.registered.${randomUUID()}` },
      'came on evt.users',
    ],
  ])('refuses %s', (_what, message, reason) => {
    expect(() => parseEvent(message)).toThrow(reason)
  })
})
