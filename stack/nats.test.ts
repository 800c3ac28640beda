import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { Kvm } from '@nats-io/kv'
import { connect } from '@nats-io/transport-node'
import { beforeAll, describe, expect, test } from 'vitest'
import { addEventStream, connectAs, natsServer } from '#tests/support/nats-server.ts'

/** Longer than a machine stalls; what is not permitted is refused at once. */
const PATIENCE_MS = 30_000

const nats = natsServer()
const natsAs = (user: string) => connectAs(nats(), user)

describe('NATS', () => {
  beforeAll(() => addEventStream(nats()))

  test('a service publishes its own events and is refused those of another', async () => {
    const orders = await natsAs('orders')
    const stream = jetstream(orders, { timeout: PATIENCE_MS })
    expect(await stream.publish('evt.orders.order.created.1', '{}')).toMatchObject({ stream: 'EVENTS' })
    await expect(stream.publish('evt.payments.x', '{}')).rejects.toThrow(/[Pp]ermissions [Vv]iolation/)
    await expect(stream.publish('dlq.payments.x', '{}')).rejects.toThrow(/[Pp]ermissions [Vv]iolation/)
    await orders.close()
  })

  test('a service reads the stream, acknowledges, and keeps values', async () => {
    const notifications = await natsAs('notifications')
    const manager = await jetstreamManager(notifications)
    const name = 'notifications-email'
    await manager.consumers.add('EVENTS', {
      durable_name: name,
      ack_policy: 'explicit',
      filter_subjects: ['evt.>'],
    })
    const consumer = await jetstream(notifications).consumers.get('EVENTS', name)
    const message = await consumer.next({ expires: PATIENCE_MS })
    expect(await message!.ackAck()).toBe(true)
    const bucket = await new Kvm(notifications).create('notifications', { allow_direct: false })
    await bucket.put('event-1', 'sent')
    expect((await bucket.get('event-1'))!.string()).toBe('sent')
    await notifications.close()
  })

  test.each(['orders', 'gateway'])('%s cannot forge events through a stream of its own', async (name) => {
    const connection = await natsAs(name)
    const manager = await jetstreamManager(connection, { timeout: PATIENCE_MS })
    const republish = { src: '$KV.mine.>', dest: 'evt.payments.>' }
    const stream = { name: 'KV_mine', subjects: ['$KV.mine.>'], republish }
    await expect(manager.streams.add(stream)).rejects.toThrow(/[Pp]ermissions [Vv]iolation/)
    await connection.close()
  })

  test.each(['orders', 'gateway'])('%s changes no stream and removes no dead letters', async (name) => {
    const connection = await natsAs(name)
    const manager = await jetstreamManager(connection, { timeout: PATIENCE_MS })
    await expect(manager.streams.update('EVENTS', { max_msgs: 1 })).rejects.toThrow(
      /[Pp]ermissions [Vv]iolation/,
    )
    await expect(manager.streams.purge('DEAD_LETTERS')).rejects.toThrow(/[Pp]ermissions [Vv]iolation/)
    await connection.close()
  })

  test('a service follows the requests to take its own dead letters again; only orders makes any', async () => {
    const [orders, inventory] = [await natsAs('orders'), await natsAs('inventory')]
    const manager = await jetstreamManager(inventory, { timeout: PATIENCE_MS })
    await manager.streams.add({ name: 'REDRIVE', subjects: ['redrive.>'], retention: 'workqueue' })
    await manager.streams.add({ name: 'DEAD_LETTERS', subjects: ['dlq.>'] })
    const follow = (name: string, filter: string) =>
      manager.consumers.add('REDRIVE', { durable_name: name, ack_policy: 'explicit', filter_subject: filter })
    const own = 'inventory-shipments'
    await follow(own, `redrive.inventory.${own}.*`)
    for (const [name, filter] of [
      [own, 'redrive.orders.orders-catalog.*'],
      ['orders-catalog', 'redrive.orders.orders-catalog.*'],
      // it would follow what concerns nobody
      ['orders-catalog', `redrive.inventory.${own}.*`],
    ] as const) {
      await expect(follow(name, filter)).rejects.toThrow(/[Pp]ermissions [Vv]iolation/)
    }
    const asInventory = jetstream(inventory, { timeout: PATIENCE_MS })
    await expect(asInventory.publish(`redrive.inventory.${own}.1`)).rejects.toThrow(
      /[Pp]ermissions [Vv]iolation/,
    )
    const { seq } = await asInventory.publish(`dlq.inventory.${own}`, 'a letter')
    await jetstream(orders, { timeout: PATIENCE_MS }).publish(`redrive.inventory.${own}.${seq}`)
    const request = await (await asInventory.consumers.get('REDRIVE', own)).next()
    expect(request?.subject).toBe(`redrive.inventory.${own}.${seq}`)
    expect((await manager.streams.getMessage('DEAD_LETTERS', { seq }))?.string()).toBe('a letter')
    await Promise.all([orders.close(), inventory.close()])
  })

  test.each(['shipping', 'inventory', 'notifications', 'gateway'])(
    '%s neither takes, acknowledges nor redirects what another service follows, nor removes its consumer',
    async (name) => {
      const operator = await natsAs('operator')
      const manager = await jetstreamManager(operator)
      const theirs = 'orders-erasure'
      const durable = {
        durable_name: theirs,
        ack_policy: 'explicit' as const,
        filter_subjects: ['evt.users.>'],
      }
      await manager.consumers.add('EVENTS', durable)
      await jetstream(operator, { timeout: PATIENCE_MS }).publish('evt.users.user.erased.1', '{}')
      // a consumer counts what is published a moment later
      const { state } = await manager.streams.info('EVENTS', { subjects_filter: 'evt.users.>' })
      const published = Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0)
      const pending = async () => (await manager.consumers.info('EVENTS', theirs)).num_pending
      await expect.poll(pending).toBe(published)
      const before = await manager.consumers.info('EVENTS', theirs)

      const connection = await natsAs(name)
      const elsewhere = { ...durable, filter_subjects: [`evt.${name}.none.>`] }
      const filtered = { name: theirs, ack_policy: 'explicit', filter_subject: `evt.${name}.>` }
      const requests: [string, object | string][] = [
        ['$JS.API.CONSUMER.MSG.NEXT', { batch: 50, expires: 1_000_000_000 }],
        ['$JS.API.CONSUMER.CREATE', { stream_name: 'EVENTS', config: elsewhere }],
        ['$JS.API.CONSUMER.DURABLE.CREATE', { stream_name: 'EVENTS', config: elsewhere }],
        ['$JS.API.CONSUMER.DELETE', ''],
        ['$JS.API.CONSUMER.PAUSE', { pause_until: '2099-01-01T00:00:00Z' }],
        ['$JS.API.CONSUMER.RESET', {}],
        ['$JS.API.CONSUMER.UNPIN', {}],
      ]
      const refused = async (subject: string, body: object | string = '') => {
        const payload = typeof body === 'string' ? body : JSON.stringify(body)
        await expect(connection.request(subject, payload, { timeout: PATIENCE_MS })).rejects.toThrow(
          /[Pp]ermissions [Vv]iolation/,
        )
      }
      for (const [call, body] of requests) await refused(`${call}.EVENTS.${theirs}`, body)
      // the filter in the subject, and no name in it: the body has one
      const creation = { stream_name: 'EVENTS', config: filtered, action: 'update' }
      await refused(`$JS.API.CONSUMER.CREATE.EVENTS.${theirs}.evt.${name}.>`, creation)
      await refused('$JS.API.CONSUMER.CREATE.EVENTS', creation)
      await refused(`$JS.ACK.EVENTS.${theirs}.1.1.1.1.0`, '+ACK')

      const after = await manager.consumers.info('EVENTS', theirs)
      expect(after.config).toEqual(before.config)
      expect([after.num_pending, after.num_ack_pending]).toEqual([published, 0])
      await Promise.all([connection.close(), operator.close()])
    },
  )

  test('the gateway reads the stream along, message by message, and listens to nobody', async () => {
    const gateway = await natsAs('gateway')
    const manager = await jetstreamManager(gateway, { timeout: PATIENCE_MS })
    expect(await manager.streams.getMessage('EVENTS', { seq: 1 })).not.toBeNull()
    const refused = await new Promise<Error | null>((resolve) => {
      gateway.subscribe('evt.>', { callback: (error) => resolve(error) })
    })
    expect(refused?.message).toMatch(/[Pp]ermissions [Vv]iolation/)
    await gateway.close()
  })

  test('a service cannot shorten the history, the operator can', async () => {
    const orders = await natsAs('orders')
    const manager = await jetstreamManager(orders, { timeout: PATIENCE_MS })
    await expect(manager.streams.purge('EVENTS')).rejects.toThrow(/[Pp]ermissions [Vv]iolation/)
    await expect(manager.streams.delete('EVENTS')).rejects.toThrow(/[Pp]ermissions [Vv]iolation/)
    await orders.close()
    const operator = await natsAs('operator')
    expect(await (await jetstreamManager(operator)).streams.purge('EVENTS')).toMatchObject({ success: true })
    await operator.close()
  })

  test.each(['orders', 'notifications', 'gateway'])('%s reads no answers of others', async (name) => {
    const connection = await natsAs(name)
    for (const subject of ['_INBOX.>', '_INBOX.payments.>', '_INBOX.*.1']) {
      const refused = await new Promise<Error | null>((resolve) => {
        connection.subscribe(subject, { callback: (error) => resolve(error) })
      })
      expect(refused?.message).toMatch(/[Pp]ermissions [Vv]iolation/)
    }
    await connection.close()
  })

  test('without a password nobody is let in', async () => {
    await expect(connect({ servers: nats().address, reconnect: false })).rejects.toThrow(/[Aa]uthorization/)
  })
})
