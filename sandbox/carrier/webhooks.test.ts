import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isSigned, startReceiver, until, WEBHOOK_SECRET } from '../shared/test-support.ts'
import { createTestCarriers, MANUAL, type TestCarriers } from './test-carrier.ts'

let carriers: TestCarriers
beforeEach(() => {
  carriers = createTestCarriers()
})
afterEach(() => carriers.end())

const start: TestCarriers['start'] = (environment) => carriers.start(environment)

describe("the carrier's webhooks", () => {
  it('tell every movement, signed, without the address', async () => {
    const receiver = await startReceiver('carrier-signature')
    carriers.atEnd(() => receiver.stop())
    const { book, advance, cancel } = await start({
      ...MANUAL,
      CARRIER_WEBHOOK_URL: receiver.url,
      CARRIER_WEBHOOK_SECRET: WEBHOOK_SECRET,
    })
    await cancel((await book()).body['id'])
    const { id } = (await book()).body
    const moved = await advance(id, 'dispatch')
    await until(() => receiver.received.length === 1)
    await advance(id, 'deliver')
    await until(() => receiver.received.length === 2)
    const { at } = moved.body['history'][1]
    expect(receiver.received[0]?.body).toEqual({
      id: expect.stringMatching(/^evt_/),
      type: 'parcel.dispatched',
      createdAt: at,
      data: { bookingId: id, reference: 'shipment-1', status: 'dispatched', at },
    })
    expect(receiver.received[1]?.body).toMatchObject({
      type: 'parcel.delivered',
      data: { status: 'delivered' },
    })
    expect(receiver.received.every((got) => isSigned(got, WEBHOOK_SECRET))).toBe(true)
  })

  it('that were not taken are sent after a restart', async () => {
    const receiver = await startReceiver('carrier-signature', [500])
    carriers.atEnd(() => receiver.stop())
    const telling = {
      ...MANUAL,
      CARRIER_WEBHOOK_URL: receiver.url,
      CARRIER_WEBHOOK_SECRET: WEBHOOK_SECRET,
      CARRIER_WEBHOOK_RETRY_MS: '60000',
    }
    const first = await start(telling)
    await first.advance((await first.book()).body['id'], 'dispatch')
    await until(() => receiver.received.length === 1)
    await first.stop()
    const second = await start(telling)
    await until(() => receiver.received.length === 2)
    expect(receiver.received[1]?.body).toEqual(receiver.received[0]?.body)
    await until(async () => (await second.get('/ledger')).body['data'].length === 4)
  })
})
