import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { Client as TemporalClient, Connection } from '@temporalio/client'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { DATABASE_NAMES, type Ports } from '#contracts/services.ts'
import { query } from '#tests/support/database.ts'
import { addEventStream, connectAs } from '#tests/support/nats-server.ts'
import { DataFolderInUseError, lockDataFolder } from './data-folder-lock.ts'
import { startInfrastructure, type Infrastructure, type InfrastructureOptions } from './infrastructure.ts'
import { freePorts, PortsBusyError } from './ports.ts'
import { processIdentity } from './process-identity.ts'
import { temporaryFolder } from './temporary-folder.ts'

const folder = temporaryFolder()
const dataFolder = path.join(folder.path, 'data')
const exits: string[] = []
let ports: Ports
let options: InfrastructureOptions
let infrastructure: Infrastructure

beforeAll(async () => {
  ports = await freePorts()
  options = {
    dataFolder,
    ports,
    searchAttributes: { OrderStatus: 'Keyword', NeedsAttention: 'Bool', OrderTotal: 'Int' },
    survivesPowerFailure: false,
    onUnexpectedExit: ({ name }) => exits.push(name),
  }
  infrastructure = await startInfrastructure(options)
}, 180_000)

afterAll(async () => {
  await infrastructure?.stop()
  folder.remove()
})

const natsAs = (user: string) => connectAs(infrastructure.nats, user)

describe('PostgreSQL', () => {
  test('each role reaches its own database and no other', async () => {
    const refusals: string[] = []
    for (const role of DATABASE_NAMES) {
      for (const database of [...DATABASE_NAMES, 'postgres', 'template1']) {
        const url = new URL(infrastructure.databaseUrls[role])
        url.pathname = `/${database}`
        const outcome = await query(url.href, 'SELECT 1').then(
          () => 'connected',
          (error: unknown) => (error as { code: string }).code,
        )
        if (database === role) expect(outcome).toBe('connected')
        else refusals.push(outcome)
      }
    }
    expect(refusals).toEqual(Array(5 * 6).fill('42501'))
  })

  test('a role owns its database and may do nothing beyond it', async () => {
    const rows = await query(
      infrastructure.postgres.superuserUrl,
      `SELECT datname, rolname, rolsuper, rolcreatedb, rolcreaterole FROM pg_database
       JOIN pg_roles ON pg_roles.oid = datdba WHERE datname = ANY('{${DATABASE_NAMES.join(',')}}') ORDER BY datname`,
    )
    expect(rows).toEqual(
      [...DATABASE_NAMES].sort().map((name) => ({
        datname: name,
        rolname: name,
        rolsuper: false,
        rolcreatedb: false,
        rolcreaterole: false,
      })),
    )
    await query(infrastructure.databaseUrls.orders, 'CREATE TABLE mine (id int); DROP TABLE mine')
  })

  test('its log says that something went wrong, not with whose address', async () => {
    await query(
      infrastructure.databaseUrls.users,
      `CREATE TABLE people (email text PRIMARY KEY); INSERT INTO people VALUES ('ada@example.test')`,
    )
    const client = new Client({ connectionString: infrastructure.databaseUrls.users })
    await client.connect()
    const again = client.query('INSERT INTO people VALUES ($1)', ['ada@example.test'])
    await expect(again).rejects.toMatchObject({ detail: expect.stringContaining('ada@example.test') })
    await client.end()
    const { logFile } = infrastructure.postgres
    await vi.waitFor(() => expect(readFileSync(logFile, 'utf8')).toContain('"people_pkey"'), 40_000)
    expect(readFileSync(logFile, 'utf8')).not.toContain('ada@example.test')
  })

  test('a wrong password is refused, and passwords are kept as SCRAM', async () => {
    const url = new URL(infrastructure.databaseUrls.orders)
    url.password = 'guess'
    await expect(query(url.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' })
    const hashes = await query(
      infrastructure.postgres.superuserUrl,
      'SELECT rolpassword FROM pg_authid WHERE rolcanlogin',
    )
    expect(hashes).toHaveLength(6)
    for (const hash of hashes)
      expect(hash).toMatchObject({ rolpassword: expect.stringMatching(/^SCRAM-SHA-256/) })
  })

  test('its settings are those of a small machine', async () => {
    const setting = async (name: string) =>
      (await query(infrastructure.postgres.superuserUrl, `SHOW ${name}`))[0]
    expect(await setting('listen_addresses')).toEqual({ listen_addresses: '127.0.0.1' })
    expect(await setting('max_connections')).toEqual({ max_connections: '120' })
    expect(await setting('data_checksums')).toEqual({ data_checksums: 'on' })
  })
})

describe('Temporal', () => {
  test.each(['temporal.db', 'temporal.db-wal', 'temporal.db-shm', 'logs'])(
    '%s, where an address may stand, is closed to other users',
    (name) => {
      expect(statSync(path.join(dataFolder, name)).mode & 0o077).toBe(0)
    },
  )

  test('search attributes are registered and usable at once', async () => {
    const connection = await Connection.connect({ address: infrastructure.temporalAddress })
    const { customAttributes } = await connection.operatorService.listSearchAttributes({
      namespace: infrastructure.temporalNamespace,
    })
    expect(Object.keys(customAttributes)).toEqual(
      expect.arrayContaining(['OrderStatus', 'NeedsAttention', 'OrderTotal']),
    )
    const client = new TemporalClient({ connection })
    expect(await client.workflow.count(`OrderStatus = 'placed'`)).toMatchObject({ count: 0 })
    await connection.close()
  })

  test('the Web UI answers', async () => {
    expect((await fetch(infrastructure.temporal.uiUrl)).status).toBe(200)
  })
})

describe('faults', () => {
  beforeAll(() => addEventStream(infrastructure.nats))

  test('PostgreSQL killed and started again has what was committed', async () => {
    const url = infrastructure.databaseUrls.orders
    await query(url, 'CREATE TABLE kept (id int); INSERT INTO kept VALUES (42)')
    const bystander = new Client({ connectionString: url })
    bystander.on('error', () => undefined) // its backend dies with the server
    await bystander.connect()
    await infrastructure.postgres.kill()
    await expect(query(url, 'SELECT 1')).rejects.toThrow()
    await infrastructure.postgres.start()
    expect(await query(url, 'SELECT id FROM kept')).toEqual([{ id: 42 }])
    await query(url, 'DROP TABLE kept')
  })

  test('NATS killed and started again has what was acknowledged', async () => {
    const orders = await natsAs('orders')
    await jetstream(orders, { timeout: 30_000 }).publish('evt.orders.order.created.2', '{}')
    await infrastructure.nats.kill()
    await orders.closed()
    await infrastructure.nats.start()
    const operator = await natsAs('operator')
    const { state } = await (await jetstreamManager(operator)).streams.info('EVENTS')
    expect(state.messages).toBe(1)
    await operator.close()
  })

  test('Temporal killed and started again has the workflows that were started', async () => {
    const startWorkflow = async (client: TemporalClient) =>
      client.workflow.start('waiting', { workflowId: 'survivor', taskQueue: 'nobody' })
    const first = await Connection.connect({ address: infrastructure.temporalAddress })
    await startWorkflow(new TemporalClient({ connection: first }))
    await infrastructure.temporal.kill()
    await infrastructure.temporal.start()
    await first.close()
    const second = await Connection.connect({ address: infrastructure.temporalAddress })
    const handle = new TemporalClient({ connection: second }).workflow.getHandle('survivor')
    expect((await handle.describe()).status.name).toBe('RUNNING')
    await handle.terminate('the test is over')
    await second.close()
  })

  test('each can be stopped and started again by itself', async () => {
    for (const part of [infrastructure.postgres, infrastructure.nats, infrastructure.temporal]) {
      await part.stop()
      expect(part.isRunning()).toBe(false)
      await part.start()
      expect(part.isRunning()).toBe(true)
    }
    expect(exits).toEqual([])
  })

  test('a server that ends unasked is reported', async () => {
    process.kill(infrastructure.nats.pid()!, 'SIGKILL')
    await expect.poll(() => exits).toEqual(['nats'])
    await infrastructure.nats.start()
  })
})

describe('startInfrastructure', () => {
  test('a data folder in use is refused and its stack is not disturbed', async () => {
    await expect(startInfrastructure({ ...options, ports: await freePorts() })).rejects.toThrow(
      DataFolderInUseError,
    )
    expect(await query(infrastructure.databaseUrls.users, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('busy ports are refused before anything starts', async () => {
    const another = path.join(folder.path, 'another')
    const busy = startInfrastructure({ ...options, dataFolder: another })
    await expect(busy).rejects.toThrow(PortsBusyError)
    await expect(busy).rejects.toThrow(
      new RegExp(`${ports.nats} for nats: taken by process ${infrastructure.nats.pid()}`),
    )
    const unlock = await lockDataFolder(another) // given back
    await unlock()
  })

  test('what holds secrets is readable for its owner only', () => {
    for (const file of ['secrets.json', 'nats.conf']) {
      expect(statSync(path.join(dataFolder, file)).mode & 0o077).toBe(0)
    }
  })

  test('after the supervisor was killed, the next start ends what it left and has its data', async () => {
    const crashed = path.join(folder.path, 'crashed')
    const own = { ...options, dataFolder: crashed, ports: await freePorts() }
    const pids = await startAndCrash(own)
    expect(pids.map((pid) => processIdentity(pid) !== undefined)).toEqual([true, true, true])

    const messages: string[] = []
    const next = await startInfrastructure({ ...own, onProgress: (message) => messages.push(message) })
    expect(messages[0]).toMatch(/^ended what an earlier run had left: (?=.*postgres)(?=.*nats)(?=.*temporal)/)
    expect(pids.map(processIdentity)).toEqual([undefined, undefined, undefined])
    expect(await query(next.databaseUrls.orders, 'SELECT id FROM kept')).toEqual([{ id: 1 }])
    await next.stop()
  }, 120_000)

  test.runIf(process.getuid?.() === 0)(
    'root can keep its data where nobody else may enter',
    async () => {
      const closed = temporaryFolder()
      chmodSync(closed.path, 0o700)
      const own = { ...options, dataFolder: path.join(closed.path, 'data'), ports: await freePorts() }
      const stack = await startInfrastructure(own)
      expect(await query(stack.databaseUrls.orders, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
      expect(readFileSync(`/proc/${stack.postgres.pid()}/status`, 'utf8')).not.toMatch(/^Uid:\t0\t/m)
      await stack.stop()
      closed.remove()
    },
    120_000,
  )
})

const startAndCrash = async (own: InfrastructureOptions): Promise<number[]> => {
  const script = `
    import { Client } from 'pg'
    import { startInfrastructure } from ${JSON.stringify(path.join(import.meta.dirname, 'infrastructure.ts'))}
    const { postgres, nats, temporal, databaseUrls } = await startInfrastructure(${JSON.stringify(own)})
    const client = new Client({ connectionString: databaseUrls.orders })
    await client.connect()
    await client.query('CREATE TABLE kept (id int); INSERT INTO kept VALUES (1)')
    process.stdout.write(JSON.stringify([postgres.pid(), nats.pid(), temporal.pid()]), () =>
      process.kill(process.pid, 'SIGKILL'))`
  const supervisor = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: path.join(import.meta.dirname, '..'),
  })
  const [[output]] = (await Promise.all([once(supervisor.stdout, 'data'), once(supervisor, 'exit')])) as [
    [Buffer],
    unknown,
  ]
  return JSON.parse(output.toString()) as number[]
}
