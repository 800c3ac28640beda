import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freshDatabase } from '#tests/support/database.ts'
import { openPrisma, Prisma } from '#tests/support/prisma.ts'
import { startProxy } from '#tests/support/proxy.ts'
import { constraintOf, inTransaction, type Database } from './database.ts'
import { openPostgres } from './postgres.ts'

let url: string
let sql: Database
let prisma: ReturnType<typeof openPrisma>
beforeAll(async () => {
  url = await freshDatabase('orders')
  sql = openPostgres(url, 3).sql
  prisma = openPrisma(url)
  await sql.$executeRaw`CREATE TABLE things (id int PRIMARY KEY, note text)`
})
afterAll(async () => {
  await sql.$disconnect()
  await prisma.$disconnect()
})

const notes = async () =>
  (await sql.$queryRaw<{ id: number }[]>`SELECT id FROM things ORDER BY id`).map(({ id }) => id)

describe('openPostgres', () => {
  it('reads every type as Prisma does', async () => {
    const read = (database: Pick<Database, '$queryRaw'>) => database.$queryRaw`
      SELECT 1::int2 AS small, 2 AS whole, 9007199254740993::bigint AS big, ARRAY[1, 2]::bigint[] AS bigs,
        '{}'::bigint[] AS none, 1.50::numeric AS exact, sum(x) AS total, count(*) AS counted, 0.5::float8 AS real, true AS yes,
        'x' AS text, NULL::text AS nothing, ARRAY['a', 'b,c'] AS texts, '{"a": [1, null]}'::jsonb AS json,
        '2026-01-02T03:04:05.678+02:00'::timestamptz AS moment, '2026-01-02 03:04:05'::timestamp AS utc,
        '2026-01-02'::date AS day, '\\x00ff'::bytea AS bytes, '7f3b2c1a-0000-4000-8000-000000000000'::uuid AS id
      FROM unnest(ARRAY[1, 2]::bigint[]) AS x`
    const [direct] = (await read(sql)) as Record<string, unknown>[]
    const [through] = (await read(prisma)) as Record<string, unknown>[]
    expect({ ...direct, bytes: new Uint8Array(direct?.['bytes'] as Buffer) }).toEqual(through)
    expect(direct?.['big']).toBe(9007199254740993n)
  })

  it('sends every type as Prisma does', async () => {
    const moment = new Date('2026-07-01T12:00:00.123Z')
    const read = (database: Pick<Database, '$queryRaw'>) => database.$queryRaw`
      SELECT ${moment}::timestamptz AS moment, ${moment}::timestamp AS utc, ${5n}::bigint AS big, ${[1n, 2n]}::bigint[] AS bigs,
        ${['a', 'b"c,']}::text[] AS texts, ${null}::text AS nothing, ${true}::boolean AS yes,
        ${JSON.stringify({ a: 1 })}::jsonb AS json, ${new Uint8Array([0, 255])}::bytea = '\\x00ff'::bytea AS bytes`
    expect(await read(sql)).toEqual(await read(prisma))
  })

  it('takes statements that are put together from pieces, whole or in a template', async () => {
    const ids = Prisma.join([1, 2, 3])
    const whole = Prisma.sql`SELECT ${5}::int + x AS y FROM unnest(ARRAY[${ids}]::int[]) AS x`
    const expected = [{ y: 6 }, { y: 7 }, { y: 8 }]
    expect(await sql.$queryRaw(whole)).toEqual(expected)
    expect(await sql.$queryRaw`SELECT ${5}::int + x AS y FROM unnest(ARRAY[${ids}]::int[]) AS x`).toEqual(
      expected,
    )
  })

  it('counts the rows that a statement changed', async () => {
    expect(await sql.$executeRaw`INSERT INTO things (id) VALUES (1), (2)`).toBe(2)
    expect(await sql.$executeRaw`DELETE FROM things WHERE id = ${3}`).toBe(0)
    expect(await sql.$executeRaw`DELETE FROM things`).toBe(2)
  })

  it('sends a value as a value, whatever it says', async () => {
    const text = `'; DROP TABLE things; --`
    await sql.$executeRaw`INSERT INTO things (id, note) VALUES (1, ${text})`
    expect(await sql.$queryRaw`SELECT note FROM things`).toEqual([{ note: text }])
    await sql.$executeRaw`DELETE FROM things`
  })

  it('prepares each place in the code once for a connection', async () => {
    await inTransaction(sql, async (tx) => {
      for (const id of [1, 2, 3]) await tx.$queryRaw`SELECT ${id}::int AS prepared_once`
      const [row] = await tx.$queryRaw<{ times: bigint }[]>`
        SELECT count(*) AS times FROM pg_prepared_statements WHERE statement LIKE 'SELECT $1::int AS prepared_once'`
      expect(row?.times).toBe(1n)
    })
  })
})

describe('a transaction', () => {
  it('happens as a whole', async () => {
    const result = await inTransaction(sql, async (tx) => {
      await Promise.all([1, 2, 3].map((id) => tx.$executeRaw`INSERT INTO things (id) VALUES (${id})`))
      expect(await notes()).toEqual([])
      return 'done'
    })
    expect(result).toBe('done')
    expect(await notes()).toEqual([1, 2, 3])
    await sql.$executeRaw`DELETE FROM things`
  })

  it('leaves nothing when the work fails, and its connection is used again', async () => {
    for (let round = 0; round < 5; round++) {
      const failed = inTransaction(sql, async (tx) => {
        await tx.$executeRaw`INSERT INTO things (id) VALUES (1)`
        throw new Error('changed my mind')
      })
      await expect(failed).rejects.toThrow('changed my mind')
    }
    expect(await notes()).toEqual([])
  })

  it('leaves nothing when a statement is refused, and says which constraint refused it', async () => {
    const failed = inTransaction(sql, async (tx) => {
      await tx.$executeRaw`INSERT INTO things (id) VALUES (1)`
      await tx.$executeRaw`INSERT INTO things (id) VALUES (1)`
    })
    expect(constraintOf(await failed.catch((error: unknown) => error))).toBe('things_pkey')
    expect(await notes()).toEqual([])
  })

  it('is not taken for committed when a statement failed that nobody waited for', async () => {
    const failed = inTransaction(sql, async (tx) => {
      await tx.$executeRaw`INSERT INTO things (id) VALUES (1)`
      Promise.resolve(tx.$executeRaw`INSERT INTO things (id) VALUES (1)`).catch(() => {})
    })
    await expect(failed).rejects.toThrow('rolled back')
    expect(await notes()).toEqual([])
  })

  it('that does nothing leaves no transaction open', async () => {
    expect(await inTransaction(sql, async () => 'nothing')).toBe('nothing')
    const [row] = await sql.$queryRaw<{ open: bigint }[]>`
      SELECT count(*) AS open FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'`
    expect(row?.open).toBe(0n)
  })

  it('waits for a free connection', async () => {
    const id = randomUUID()
    const sleepers = Array.from({ length: 9 }, (_, index) =>
      inTransaction(sql, async (tx) => {
        const [row] = await tx.$queryRaw<
          { at: string }[]
        >`SELECT ${`${id}-${index}`} AS at, pg_sleep(0.02)::text`
        return row?.at
      }),
    )
    expect(await Promise.all(sleepers)).toEqual(sleepers.map((_, index) => `${id}-${index}`))
  })
})

describe('a connection that is lost', () => {
  it('fails what ran on it; what comes afterwards gets another', async () => {
    const { host } = new URL(url)
    const proxy = await startProxy(host)
    const far = openPostgres(url.replace(host, proxy.address), 2).sql
    try {
      expect(await far.$queryRaw`SELECT 1 AS one`).toEqual([{ one: 1 }])
      const lost = inTransaction(far, async (tx) => {
        await tx.$executeRaw`INSERT INTO things (id) VALUES (1)`
        await proxy.cut()
        await tx.$executeRaw`INSERT INTO things (id) VALUES (2)`
      })
      await expect(lost).rejects.toThrow()
      await proxy.restore()
      expect(await inTransaction(far, (tx) => Promise.resolve(tx.$queryRaw`SELECT 2 AS two`))).toEqual([
        { two: 2 },
      ])
      expect(await notes()).toEqual([])
    } finally {
      await far.$disconnect()
    }
  })

  it('is given up when the server ends it while nobody uses it', async () => {
    const other = openPostgres(url, 1).sql
    const [row] = await other.$queryRaw<{ pid: number }[]>`SELECT pg_backend_pid() AS pid`
    await sql.$queryRaw`SELECT pg_terminate_backend(${row?.pid}::int)`
    await expect
      .poll(() =>
        other.$queryRaw`SELECT 1 AS one`.then(
          () => 'up',
          () => 'down',
        ),
      )
      .toBe('up')
    await other.$disconnect()
  })
})

describe('a prepared statement', () => {
  it('is prepared anew when a migration has changed what it answers', async () => {
    const single = openPostgres(url, 1).sql
    const read = () => single.$queryRaw`SELECT * FROM things`
    await sql.$executeRaw`INSERT INTO things (id) VALUES (1)`
    expect(await read()).toEqual([{ id: 1, note: null }])
    await sql.$executeRaw`ALTER TABLE things ADD COLUMN more text`
    await expect(read()).rejects.toThrow('cached plan')
    expect(await read()).toEqual([{ id: 1, note: null, more: null }])
    await sql.$executeRaw`DELETE FROM things`
    await single.$disconnect()
  })
})
