import { describe, expect, it } from 'vitest'
import { ConfigError, loadConfig } from '#platform/config.ts'
import { inventoryConfig } from '../config.ts'
import { allocate as fewestParcels } from './strategies/fewest-parcels.ts'
import { loadAllocation } from './load.ts'
import { allocate as priority } from './strategies/priority.ts'

describe('loadAllocation', () => {
  it('finds a strategy by the name of its file', async () => {
    expect(await loadAllocation('fewest-parcels')).toBe(fewestParcels)
    expect(await loadAllocation('priority')).toBe(priority)
  })

  it('says which one cannot be loaded', async () => {
    const failure = async (name: string): Promise<unknown> =>
      loadAllocation(name).catch((error: unknown) => error)
    expect(await failure('nearest')).toBeInstanceOf(ConfigError)
    expect(await failure('nearest')).toMatchObject({ message: expect.stringContaining('nearest') })
  })

  it('is never asked for a name that leads out of its folder', () => {
    for (const ALLOCATION of ['../main', 'a/b', 'Fewest']) {
      expect(() => loadConfig(inventoryConfig, { ALLOCATION })).toThrow('ALLOCATION must match pattern')
    }
  })
})
