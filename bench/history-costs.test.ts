import { describe, expect, it } from 'vitest'
import { readHistories } from '#workflows/tooling/replay-histories.ts'
import { countHistory, meanCosts, untilConfirmed } from './history-costs.ts'

const recorded = await readHistories()
const eventsOf = (wanted: string) => {
  const found = recorded.find(({ name, encrypted }) => name === wanted && !encrypted)
  if (found === undefined) throw new Error(`there is no history ${wanted}`)
  return found.history.events ?? []
}

const local = { markerRecordedEventAttributes: { markerName: 'core_local_activity' } }
const patch = { markerRecordedEventAttributes: { markerName: 'core_patch' } }
const status = (value: string) => ({
  upsertWorkflowSearchAttributesEventAttributes: {
    searchAttributes: { indexedFields: { OrderStatus: { data: Buffer.from(JSON.stringify(value)) } } },
  },
})

describe('countHistory', () => {
  it('tells activities, local activities and workflow tasks apart', () => {
    const events = [
      { workflowTaskCompletedEventAttributes: {} },
      { activityTaskScheduledEventAttributes: {} },
      { activityTaskScheduledEventAttributes: {} },
      local,
      patch,
      {},
    ]
    expect(countHistory(events)).toEqual({ events: 6, workflowTasks: 1, activities: 2, localActivities: 1 })
  })

  it('counts a recorded order: every event, and the five activities of an accepted order', () => {
    const events = eventsOf('happy')
    expect(countHistory(events)).toMatchObject({ events: events.length, activities: 5 })
  })
})

describe('untilConfirmed', () => {
  it('ends with the last local activity before the order is fulfilled', () => {
    const events = [status('authorizing'), local, patch, local, {}, status('fulfilling'), local, {}]
    expect(untilConfirmed(events)).toHaveLength(4)
  })

  it('is the whole history when the order was never fulfilled', () => {
    expect(untilConfirmed([status('authorizing'), local, {}])).toHaveLength(3)
  })

  it('leaves out what a recorded order did after its confirmation', () => {
    const events = eventsOf('happy')
    const confirmed = untilConfirmed(events)
    expect(confirmed.length).toBeLessThan(events.length)
    expect(countHistory(confirmed)).toMatchObject({ activities: 4, localActivities: 3 })
  })
})

describe('meanCosts', () => {
  it('is the mean of each figure', () => {
    const costs = [
      { events: 10, workflowTasks: 2, activities: 3, localActivities: 1 },
      { events: 20, workflowTasks: 4, activities: 3, localActivities: 2 },
    ]
    expect(meanCosts(costs)).toEqual({ events: 15, workflowTasks: 3, activities: 3, localActivities: 1.5 })
  })
})
