import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { NoAnswerError, NotSentError } from '#platform/outbound/json-client.ts'
import {
  newShipment,
  startReceiver,
  startSandboxCarrier,
  testCarrier,
  WEBHOOK_SECRET,
} from '#tests/support/shipping.ts'
import { describeCarrier } from '../conformance.ts'
import { loadCarrier } from '../load.ts'
import { createCarrier } from './carrier.ts'

const SIGNATURE = 'carrier-signature'

describeCarrier({ describe, it, expect, beforeAll, afterAll, vi }, 'sandbox', async () => {
  const receiver = await startReceiver(SIGNATURE)
  const { options, advance, stop } = await startSandboxCarrier({
    CARRIER_WEBHOOK_URL: receiver.url,
    CARRIER_WEBHOOK_SECRET: WEBHOOK_SECRET,
  })
  const { warehouse, address } = newShipment()
  return {
    carrier: createCarrier(options),
    where: { warehouse, address },
    move: advance,
    webhooks: () =>
      receiver.received.map(({ raw, signature }) => ({
        raw: Buffer.from(raw),
        headers: { [SIGNATURE]: signature },
      })),
    async stop() {
      await stop()
      await receiver.stop()
    },
  }
})

const { options } = await testCarrier()

function request() {
  const { shipmentId, warehouse, lines, address } = newShipment()
  return { reference: shipmentId, idempotencyKey: randomUUID(), warehouse, lines, address }
}

describe('the adapter to the sandbox’s carrier', () => {
  it('says with which code it was refused', async () => {
    const strange = { ...request(), warehouse: 'not a warehouse' }
    await expect(createCarrier(options).book(strange)).rejects.toThrow('400 validation_failed')
    await expect(createCarrier({ ...options, apiKey: 'wrong' }).read('book_1')).rejects.toThrow('401')
    await expect(createCarrier(options).read('book_none')).rejects.toMatchObject({ status: 404 })
  })

  it('tells a call that never left from one without an answer', async () => {
    const broken = createServer((_request, response) =>
      response.writeHead(500, { connection: 'close' }).end(),
    )
    await new Promise<void>((resolve) => broken.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(broken.address() as AddressInfo).port}`
    const unlucky = createCarrier({ ...options, url })
    await expect(unlucky.book(request())).rejects.toBeInstanceOf(NoAnswerError)
    await new Promise((resolve) => broken.close(resolve))
    await expect(unlucky.book(request())).rejects.toBeInstanceOf(NotSentError)
  })
})

describe('loadCarrier', () => {
  it('finds an adapter by the name of its folder', async () => {
    expect((await loadCarrier('sandbox', options)).name).toBe('sandbox')
    await expect(loadCarrier('pigeon', options)).rejects.toThrow('The carrier pigeon cannot be loaded')
  })
})
