import { expect, it } from 'vitest'
import { CONSUMERS, isRecorded } from './consumers.ts'
import { EVENTS, isEventType } from './events.ts'

it('of people no service is told more than that they were erased: a new event of theirs is nobody’s dead letter', () => {
  const types = Object.keys(EVENTS).filter((type) => isEventType(type) && EVENTS[type].service === 'users')
  const followed = Object.entries(CONSUMERS).flatMap(([name, declaration]) =>
    types
      .filter((eventType) =>
        isRecorded({ ...declaration, records: () => true }, { eventType, aggregateId: 'u', version: 1 }),
      )
      .map((type) => `${name} ${type}`),
  )
  expect(followed).toEqual(['orders-erasure user.erased', 'payments-erasure user.erased'])
})
