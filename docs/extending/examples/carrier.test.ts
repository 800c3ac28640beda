import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { describeCarrier } from '#services/shipping/carriers/conformance.ts'
import { newShipment, silentLogger } from '#tests/support/shipping.ts'
import { createCarrier, createVans, type Notice } from './carrier.ts'

describeCarrier({ describe, it, expect, beforeAll, afterAll, vi }, 'vans', async () => {
  const told: Notice[] = []
  const vans = createVans({ webhookSecret: 'a-secret-of-the-yard' }, (notice) => told.push(notice))
  const { warehouse, address } = newShipment()
  return {
    carrier: vans,
    where: { warehouse, address },
    move: async ({ trackingNumber }, to) => vans.move(trackingNumber, to),
    webhooks: () => told,
    stop: () => Promise.resolve(),
  }
})

describe('the vans', () => {
  it('are what the shipping service loads', () => {
    const options = { url: '', apiKey: '', webhookSecret: 'a-secret-of-the-yard', timeoutMs: 1_000 }
    expect(createCarrier({ ...options, logger: silentLogger }).name).toBe('vans')
  })
})
