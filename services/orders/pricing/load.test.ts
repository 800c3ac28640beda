import { describe, expect, it } from 'vitest'
import { ConfigError } from '#platform/config.ts'
import { loadShippingRates } from './shipping/load.ts'
import { shippingRates } from './shipping/rates/by-weight.ts'
import { loadTaxPolicy } from './tax/load.ts'
import { taxPolicy } from './tax/policies/country-table.ts'

describe('loadTaxPolicy', () => {
  it('finds a policy by the name of its file, or says which one is missing', async () => {
    expect(await loadTaxPolicy('country-table')).toBe(taxPolicy)
    await expect(loadTaxPolicy('moon')).rejects.toBeInstanceOf(ConfigError)
    await expect(loadTaxPolicy('moon')).rejects.toThrow('tax policy moon')
  })
})

describe('loadShippingRates', () => {
  it('finds rates by the name of their file, or says which ones are missing', async () => {
    expect(await loadShippingRates('by-weight')).toBe(shippingRates)
    await expect(loadShippingRates('by-drone')).rejects.toBeInstanceOf(ConfigError)
    await expect(loadShippingRates('by-drone')).rejects.toThrow('shipping rates by-drone')
  })
})
