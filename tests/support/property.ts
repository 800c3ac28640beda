/** What property tests share: `PROPERTY_SEED` and `PROPERTY_PATH` of a failure repeat it. */
export function seedOf(): { seed?: number; path?: string } {
  const { PROPERTY_SEED: seed, PROPERTY_PATH: path } = process.env
  return { ...(seed ? { seed: Number(seed) } : {}), ...(path ? { path } : {}) }
}
