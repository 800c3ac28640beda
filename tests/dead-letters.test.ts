import { randomUUID } from 'node:crypto'
import { jetstream } from '@nats-io/jetstream'
import { connect, headers, type NatsConnection } from '@nats-io/transport-node'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { DeadLetter } from '#contracts/http/operations.ts'
import type { ApiClient } from '#stack/demo/client.ts'
import { openShop, orderOf, stockRows, type Shop } from './support/shop.ts'
import { ourStack } from './support/test-stack.ts'

const PATH = '/api/v1/operations/dead-letters'
const NONSENSE = `evt.shipping.shipment.dispatched.${randomUUID()}`

const PATIENCE = 40_000
/** Not sent again where the answer is late: it would come twice. */
const PUBLISHING = { timeout: 30_000 }

let shop: Shop
let operator: ApiClient
let connection: NatsConnection

beforeAll(async () => {
  shop = await openShop()
  operator = await shop.operator()
  const { natsUrl, nats } = ourStack().target
  connection = await connect({ servers: natsUrl, user: nats.user, pass: nats.password })
})
afterAll(async () => {
  const manager = await jetstream(connection).jetstreamManager()
  await manager.streams.purge('EVENTS', { filter: NONSENSE })
  await connection.close()
})

async function letters(consumer: string, redriven = false): Promise<DeadLetter[]> {
  const { body } = await operator.send<{ data: DeadLetter[] }>(
    'GET',
    `${PATH}?limit=100&redriven=${redriven}`,
  )
  return body.data.filter((letter) => letter.consumer === consumer)
}

const redrive = (client: ApiClient, { id }: DeadLetter) =>
  client.post<DeadLetter>(`${PATH}/${id}/redrive`, {})

describe('dead letters, through the gateway', () => {
  it('of every service are listed, and go back to the consumer they are from', async () => {
    await jetstream(connection, PUBLISHING).publish(NONSENSE, '{"not": "an event"}')
    await vi.waitFor(async () => expect(await letters('inventory-shipments')).toHaveLength(1), PATIENCE)
    await vi.waitFor(async () => expect(await letters('orders-shipments')).toHaveLength(1), PATIENCE)
    const [letter] = await letters('inventory-shipments')
    expect(letter).toMatchObject({ service: 'inventory', eventType: null, deliveries: 1, status: 'dead' })
    expect(await redrive(operator, letter!)).toMatchObject({ status: 202, body: { status: 'redriving' } })
    // it is no event still
    await vi.waitFor(
      async () => expect(await letters('inventory-shipments')).toMatchObject([{ redriveOf: letter!.id }]),
      PATIENCE,
    )
    expect(await letters('orders-shipments')).toMatchObject([{ status: 'dead', redriveOf: null }])
  })

  it('whose event was handled after all change nothing', async () => {
    const customer = await shop.customer()
    const sku = await shop.product({ AMS: 5 })
    const { id } = await customer.placeOrder(orderOf({ lines: [{ sku, quantity: 2 }] }))
    await shop.reaches(customer, id, 'completed')
    const [shipment] = (await shop.until(customer, id, ({ shipments }) => shipments.length > 0)).shipments
    const subject = `evt.shipping.shipment.dispatched.${shipment!.id}`
    const client = jetstream(connection, PUBLISHING)
    const manager = await client.jetstreamManager()
    const event = await manager.streams.getMessage('EVENTS', { last_by_subj: subject })
    await shop.untilStock(sku, { AMS: 3 })

    const about = headers()
    about.set('Mainstay-Subject', subject)
    about.set('Mainstay-Error', 'the answer was lost')
    await client.publish('dlq.inventory.inventory-shipments', event!.data, { headers: about })
    const mine = async (redriven: boolean) =>
      (await letters('inventory-shipments', redriven)).filter(
        ({ aggregateId }) => aggregateId === shipment!.id,
      )
    const [letter] = await mine(false)
    expect(letter).toMatchObject({ eventType: 'shipment.dispatched', error: 'the answer was lost' })
    expect(await redrive(customer, letter!)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    expect((await redrive(operator, letter!)).status).toBe(202)
    await vi.waitFor(async () => expect(await mine(false)).toEqual([]), PATIENCE)
    const me = await operator.send<{ id: string }>('GET', '/api/v1/users/me')
    expect(await mine(true)).toMatchObject([{ id: letter!.id, status: 'redriven', redrivenBy: me.body.id }])
    expect(await shop.stockOf(sku)).toEqual(stockRows({ AMS: 3 }))
  })
})
