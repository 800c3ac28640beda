import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { describeCarrier } from '#services/shipping/carriers/conformance.ts'
import { newShipment } from '#tests/support/shipping.ts'
import { createVans, type Notice } from './carrier.ts'

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
