/**
 * The services' Temporal doors of a real stack, with something between the workflows and the use cases: what a test wants to
 * go wrong.
 */
import type { RunningWorker, TemporalLink, WorkerDefinition } from '#platform/temporal/link.ts'
import type { Answers } from './saga-answers.ts'

/** Is called in an activity's place and may do its work, or not, or do it and fail all the same. */
export type Between = (
  name: keyof Answers,
  argument: object,
  work: () => Promise<unknown>,
) => Promise<unknown>

export interface FaultyDoors {
  /** For a stack's `aroundTemporal`. */
  around(temporal: TemporalLink): TemporalLink
  /** Stops every worker, does this as soon as they have been asked to, and starts new ones, which know of no workflow. */
  restart(meanwhile: () => void): Promise<void>
}

export function createFaultyDoors(between: Between): FaultyDoors {
  const doors: { running: RunningWorker; reopen: () => RunningWorker }[] = []
  return {
    around: (temporal) => ({
      ...temporal,
      startWorker(definition) {
        const open = () => temporal.startWorker(withBetween(definition, between))
        const door = { running: open(), reopen: open }
        doors.push(door)
        return { stop: () => door.running.stop(), probe: () => door.running.probe() }
      },
    }),
    async restart(meanwhile) {
      const stopped = Promise.all(doors.map(({ running }) => running.stop()))
      meanwhile()
      await stopped
      for (const door of doors) door.running = door.reopen()
    },
  }
}

type Work = (argument: object) => Promise<unknown>

const withBetween = (
  { activities, ...definition }: WorkerDefinition,
  between: Between,
): WorkerDefinition => ({
  ...definition,
  activities: Object.fromEntries(
    Object.entries(activities as Record<string, Work>).map(([name, work]) => [
      name,
      (argument: object = {}) => between(name as keyof Answers, argument, () => work(argument)),
    ]),
  ),
})
