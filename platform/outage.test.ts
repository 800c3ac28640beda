import { Pool } from 'pg'
import { describe, expect, it } from 'vitest'
import { outgoing, testBus } from '#tests/support/broker.ts'
import { freshDatabase } from '#tests/support/database.ts'
import { silentLogger } from '#tests/support/orders.ts'
import { openPrisma } from '#tests/support/prisma.ts'
import { startProxy } from '#tests/support/proxy.ts'
import { inTransaction } from './database.ts'
import { createBreaker } from './outbound/breaker.ts'
import { createJsonClient } from './outbound/json-client.ts'
import { isOutage } from './outage.ts'
import { openPostgres } from './postgres.ts'

const NOWHERE = '127.0.0.1:9'

const failureOf = (work: PromiseLike<unknown>): Promise<unknown> =>
  Promise.resolve(work).then(
    () => 'no failure',
    (error: unknown) => error,
  )

describe('isOutage, with what really comes', () => {
  it('knows a database that refuses connections, through the driver and through Prisma', async () => {
    const url = `postgresql://user:password@${NOWHERE}/orders`
    const { sql } = openPostgres(url, 1)
    const prisma = openPrisma(url)
    expect(isOutage(await failureOf(sql.$queryRaw`SELECT 1`))).toBe(true)
    expect(
      isOutage(await failureOf(inTransaction(sql, (tx) => Promise.resolve(tx.$queryRaw`SELECT 1`)))),
    ).toBe(true)
    expect(isOutage(await failureOf(prisma.$queryRaw`SELECT 1`))).toBe(true)
    expect(isOutage(await failureOf(prisma.order.count()))).toBe(true)
    expect(isOutage(await failureOf(prisma.$transaction((tx) => tx.order.count())))).toBe(true)
  })

  it('knows a connection that is lost in the middle, and one that the server ends', async () => {
    const url = await freshDatabase('orders')
    const { host } = new URL(url)
    const proxy = await startProxy(host)
    const far = openPostgres(url.replace(host, proxy.address), 1).sql
    const lost = inTransaction(far, async (tx) => {
      await tx.$executeRaw`SELECT 1`
      await proxy.cut()
      await tx.$executeRaw`SELECT 2`
    })
    expect(isOutage(await failureOf(lost))).toBe(true)
    const near = openPostgres(url, 2).sql
    const [row] = await near.$queryRaw<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`
    expect(isOutage(await failureOf(near.$executeRaw`SELECT pg_terminate_backend(${row?.pid}::int)`))).toBe(
      true,
    )
    await Promise.all([far.$disconnect(), near.$disconnect()])
  })

  it('knows a database that does not answer in time, and one that gave up on us meanwhile', async () => {
    const connectionString = await freshDatabase('orders')
    const impatient = { pipeline: true, query_timeout: 50 }
    const pool = new Pool({ connectionString, ...impatient })
    const prisma = openPrisma(connectionString, impatient)
    expect(isOutage(await failureOf(pool.query('SELECT pg_sleep(1)')))).toBe(true)
    expect(isOutage(await failureOf(prisma.$queryRaw`SELECT pg_sleep(1)::text`))).toBe(true)
    await prisma.$disconnect()
    await pool.end()
    const { sql } = openPostgres(connectionString, 1)
    const ended = inTransaction(sql, async (tx) => {
      await tx.$executeRaw`SET idle_in_transaction_session_timeout = 50`
      // a process that stands still: what the server said meanwhile is read with the answer to the next statement
      const until = performance.now() + 500
      while (performance.now() < until);
      await tx.$executeRaw`SELECT 1`
    })
    expect(isOutage(await failureOf(ended))).toBe(true)
    await sql.$disconnect()
  })

  it('knows a broker that does not answer in time', async () => {
    const { connection } = await testBus().ready()
    connection.subscribe('outage.test')
    expect(isOutage(await failureOf(connection.request('outage.test', '', { timeout: 50 })))).toBe(true)
  })

  it('knows a broker that is away', async () => {
    expect(isOutage(await failureOf(testBus(`nats://${NOWHERE}`).publish(outgoing('a', 1))))).toBe(true)
  })

  it('knows a service that cannot be reached, and an open circuit', async () => {
    const breaker = createBreaker({ name: 'test', timeoutMs: 1_000, logger: silentLogger })
    const closed = await startProxy(NOWHERE)
    await closed.cut()
    const client = createJsonClient({ baseUrl: `http://${closed.address}`, breaker })
    let last: unknown
    for (let call = 0; call < 30; call++) {
      last = await failureOf(client.call({ method: 'GET', path: '/' }))
      expect(isOutage(last)).toBe(true)
    }
    expect(breaker.state()).toBe('open')
  })

  it('looks through whatever wraps it', () => {
    const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
    expect(isOutage(new Error('it did not work', { cause }))).toBe(true)
    expect(isOutage(new AggregateError([new Error('IPv6'), cause]))).toBe(true)
  })

  it('takes nothing for an outage that is the work’s own fault', async () => {
    const { sql } = openPostgres(await freshDatabase('orders'), 1)
    const failures = [
      sql.$queryRaw`SELECT 1 / 0`,
      sql.$queryRaw`SELECT * FROM nowhere`,
      sql.$executeRaw`INSERT INTO workflow_starts (order_id) VALUES (gen_random_uuid())`,
    ]
    for (const failure of failures) expect(isOutage(await failureOf(failure))).toBe(false)
    expect(isOutage(new TypeError('undefined is not a function'))).toBe(false)
    expect(isOutage(new Error('Client error'))).toBe(false)
    expect(isOutage(Object.assign(new Error('no such file'), { code: 'ENOENT' }))).toBe(false)
    const circular = new Error('a')
    circular.cause = circular
    for (const value of [undefined, null, 'ECONNREFUSED', { code: 'ECONNREFUSED' }, circular])
      expect(isOutage(value)).toBe(false)
    await sql.$disconnect()
  })
})
