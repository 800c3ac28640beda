/** Which stories are recorded, and the files that keep them. */
import type { Group, Recording } from './record-moves.ts'

type Kept = Recording['keeps'][number]

/** The name of a history, without an ending: the order's is the story's own, a parcel's or return's says so. */
export function historyName(story: string, kind: Kept, index = 0): string {
  const suffix = [
    ...(kind === 'order' || kind === story ? [] : [kind]),
    ...(index === 0 ? [] : [String(index + 1)]),
  ]
  return [story, ...suffix].join('-')
}

/** A story of which something is kept is never played again by itself. */
const isThere = (story: string, { keeps }: Recording, there: ReadonlySet<string>): boolean =>
  keeps.some((kind) => there.has(historyName(story, kind)))

/** The named stories that there are not. */
export function unknownStories(groups: readonly Group[], named: readonly string[]): string[] {
  const known = storiesOf(groups)
  return named.filter((name) => !known.includes(name))
}

export const storiesOf = (groups: readonly Group[]): string[] =>
  groups.flatMap(({ recordings }) => Object.keys(recordings))

/**
 * The stories that are to be played: those that are named, or else those of which nothing is kept.
 *
 * @param there the names of the histories that are kept, without their endings
 */
export const storiesToPlay = (
  { recordings }: Group,
  named: readonly string[],
  there: ReadonlySet<string>,
): string[] =>
  Object.entries(recordings)
    .filter(([name, recording]) =>
      named.length === 0 ? !isThere(name, recording, there) : named.includes(name),
    )
    .map(([name]) => name)
