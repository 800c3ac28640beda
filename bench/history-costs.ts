/** What a workflow cost Temporal, counted in its history. */
import type { temporal } from '@temporalio/proto'

type HistoryEvent = Pick<
  temporal.api.history.v1.IHistoryEvent,
  | 'workflowTaskCompletedEventAttributes'
  | 'activityTaskScheduledEventAttributes'
  | 'markerRecordedEventAttributes'
  | 'upsertWorkflowSearchAttributesEventAttributes'
>

export interface HistoryCosts {
  events: number
  workflowTasks: number
  /** Activities that went through a task queue. */
  activities: number
  /** Activities that ran inside a workflow task. */
  localActivities: number
}

const LOCAL_ACTIVITY = 'core_local_activity'

export function countHistory(events: readonly HistoryEvent[]): HistoryCosts {
  const having = (predicate: (event: HistoryEvent) => boolean): number => events.filter(predicate).length
  return {
    events: events.length,
    workflowTasks: having((event) => event.workflowTaskCompletedEventAttributes != null),
    activities: having((event) => event.activityTaskScheduledEventAttributes != null),
    localActivities: having(isLocalActivity),
  }
}

/**
 * The part of an order's history up to its confirmation: the last local activity before the order is fulfilled (its
 * search attributes pass over `confirmed`, which it leaves at once). All of it when the order was never fulfilled.
 */
export function untilConfirmed<Event extends HistoryEvent>(events: readonly Event[]): Event[] {
  const fulfilling = events.findIndex((event) => statusOf(event) === 'fulfilling')
  if (fulfilling < 0) return [...events]
  return events.slice(0, events.slice(0, fulfilling).findLastIndex(isLocalActivity) + 1)
}

const isLocalActivity = ({ markerRecordedEventAttributes: marker }: HistoryEvent): boolean =>
  marker?.markerName === LOCAL_ACTIVITY

/** Search attributes are plain JSON even when payloads are encrypted. */
function statusOf({ upsertWorkflowSearchAttributesEventAttributes: upserted }: HistoryEvent): unknown {
  const data = upserted?.searchAttributes?.indexedFields?.['OrderStatus']?.data
  return data == null ? undefined : JSON.parse(Buffer.from(data).toString())
}

/** The mean of each figure. */
export function meanCosts(costs: readonly HistoryCosts[]): HistoryCosts {
  const of = (figure: (cost: HistoryCosts) => number): number =>
    costs.reduce((sum, cost) => sum + figure(cost), 0) / costs.length
  return {
    events: of(({ events }) => events),
    workflowTasks: of(({ workflowTasks }) => workflowTasks),
    activities: of(({ activities }) => activities),
    localActivities: of(({ localActivities }) => localActivities),
  }
}
