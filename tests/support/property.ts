import type { Parameters } from 'fast-check'

/**
 * What property tests share: `PROPERTY_SEED` and `PROPERTY_PATH` of a failure repeat it, `PROPERTY_EFFORT=10` tries ten
 * times as many stories as a run of all tests has time for.
 *
 * @param runs how many stories a run of all tests tries
 */
export function parametersOf<Story>(runs: number): Parameters<Story> {
  const { PROPERTY_SEED: seed, PROPERTY_PATH: path, PROPERTY_EFFORT: effort } = process.env
  return {
    numRuns: runs * Number(effort ?? 1),
    ...(seed ? { seed: Number(seed) } : {}),
    ...(path ? { path } : {}),
  }
}
