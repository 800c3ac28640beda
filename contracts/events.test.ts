import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { EventEnvelope, EVENTS, isEventType, subjectOf, subjectsOf, type EventType } from './events.ts'
import { MAX_LINE_QUANTITY, MAX_ORDER_LINES } from './schemas.ts'
import { SERVICE_NAMES } from './services.ts'
import { ORDER, statesOf } from './states.ts'

const types = Object.keys(EVENTS).filter(isEventType)

/** What each service says facts about. */
const AGGREGATES: Record<string, string> = {
  order: 'orders',
  product: 'inventory',
  stock: 'inventory',
  reservation: 'inventory',
  payment: 'payments',
  shipment: 'shipping',
  return: 'orders',
  reconciliation: 'orders',
  user: 'users',
}

describe('EVENTS', () => {
  it.each(types)('%s is announced by the service that owns its aggregate, under its own subject', (type) => {
    const [aggregate = '', fact = '', ...rest] = type.split('.')
    expect(rest).toEqual([])
    expect(fact).toMatch(/^[a-z_]+$/)
    expect(EVENTS[type].service).toBe(AGGREGATES[aggregate])
    expect(SERVICE_NAMES).toContain(EVENTS[type].service)
    expect(subjectOf(type, 'id-1')).toBe(`evt.${AGGREGATES[aggregate]}.${aggregate}.${fact}.id-1`)
    expect(subjectOf(type, 'id-1').startsWith(subjectsOf(aggregate, EVENTS[type].service).slice(0, -1))).toBe(
      true,
    )
  })

  it.each(types)('%s has a payload that refuses unknown fields', (type) => {
    expect(EVENTS[type].payload).toMatchObject({ type: 'object', additionalProperties: false })
  })

  it('carries no names, addresses or e-mails; products, which are no persons, have names', () => {
    const personal = /email|address|phone|street|city|postal|customerName/i
    for (const type of types) {
      const fields = Object.keys(EVENTS[type].payload.properties)
      expect(fields.filter((field) => personal.test(field))).toEqual([])
      if (type !== 'product.changed') expect(fields).not.toContain('name')
    }
  })

  it('has an event for every status an order can be written with', () => {
    const unannounced = statesOf(ORDER).filter((status) => !isEventType(`order.${status}`))
    // placed is announced as order.created
    expect(unannounced).toEqual(['placed'])
  })
})

describe('shipment.dispatched', () => {
  it('can tell of as many units of a product as all lines of an order have together', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false })
    const validate = ajv.compile(EVENTS['shipment.dispatched'].payload)
    const quantity = MAX_ORDER_LINES * MAX_LINE_QUANTITY
    const payload = {
      shipmentId: 's',
      orderId: 'o',
      warehouse: 'AMS',
      lines: [{ sku: 'TEE', quantity }],
      carrier: null,
      trackingNumber: null,
      at: '2026-01-01T00:00:00Z',
    }
    expect(validate(payload), JSON.stringify(validate.errors)).toBe(true)
    expect(validate({ ...payload, lines: [{ sku: 'TEE', quantity: 0 }] })).toBe(false)
  })
})

describe('isEventType', () => {
  it('knows its own types and nothing that objects inherit', () => {
    const known: EventType = 'order.created'
    expect(isEventType(known)).toBe(true)
    expect(isEventType('toString')).toBe(false)
    expect(isEventType('order.imagined')).toBe(false)
  })
})

describe('EventEnvelope', () => {
  it('counts versions from one', () => {
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(EventEnvelope)
    const event = {
      eventId: 'x',
      eventType: 'x',
      aggregateId: 'a',
      timestamp: new Date().toISOString(),
      payload: {},
    }
    expect(validate({ ...event, version: 1 })).toBe(true)
    expect(validate({ ...event, version: 0 })).toBe(false)
    expect(validate({ ...event, version: 1.5 })).toBe(false)
  })
})
