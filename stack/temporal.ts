import { existsSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { connect as connectSocket } from 'node:net'
import path from 'node:path'
import { Connection } from '@temporalio/client'
import { superviseChild, type Child, type ChildExit } from './children.ts'
import { registerSearchAttributes, type SearchAttributeTypes } from './temporal-search-attributes.ts'

const HOST = '127.0.0.1'
const NAMESPACE = 'default'
const DATABASE_FILE = 'temporal.db'
const SERVICE = 'temporal.api.workflowservice.v1.WorkflowService'

export type TemporalOptions = {
  binary: string
  dataFolder: string
  port: number
  uiPort: number
  searchAttributes: SearchAttributeTypes
  /**
   * How often a second the server may read each of its queues of tasks and timers. The server's own default of 20 costs
   * each activity 50 ms when idle; 1000 is the fastest when idle and costs 10–20 % of the throughput when saturated.
   */
  pollsPerSecond?: number
  logLevel?: 'error' | 'warn'
  onUnexpectedExit?: ((exit: ChildExit) => void) | undefined
}

export type Temporal = Child & {
  readonly address: string
  readonly namespace: string
  readonly uiUrl: string
}

/** The Temporal development server with its Web UI, its state in one SQLite file. Not started yet. */
export const createTemporal = (options: TemporalOptions): Temporal => {
  const address = `${HOST}:${options.port}`
  const child = superviseChild({
    name: 'temporal',
    dataFolder: options.dataFolder,
    command: options.binary,
    arguments: serverArguments(options),
    ready: () => namespaceAnswers(options.port),
    readyTimeoutMilliseconds: 60_000,
    onUnexpectedExit: options.onUnexpectedExit,
  })

  const start = async (): Promise<void> => {
    await child.start()
    await keepToOurselves(path.join(options.dataFolder, DATABASE_FILE))
    try {
      await withConnection(options.port, (connection) =>
        registerSearchAttributes(connection, NAMESPACE, options.searchAttributes),
      )
    } catch (error) {
      await child.stop()
      throw error
    }
  }

  return { ...child, start, address, namespace: NAMESPACE, uiUrl: `http://${HOST}:${options.uiPort}` }
}

/** The results of activities are in there, addresses among them; the server makes its files readable for everybody. */
const keepToOurselves = async (file: string): Promise<void> => {
  await chmod(file, 0o600)
  // SQLite gives later ones the mode of the database
  for (const companion of [`${file}-wal`, `${file}-shm`]) {
    if (existsSync(companion)) await chmod(companion, 0o600)
  }
}

const serverArguments = (options: TemporalOptions): string[] => {
  const pollsPerSecond = options.pollsPerSecond ?? 1000
  return [
    ...[
      'server',
      'start-dev',
      '--ip',
      HOST,
      '--port',
      String(options.port),
      '--ui-port',
      String(options.uiPort),
    ],
    ...['--db-filename', path.join(options.dataFolder, DATABASE_FILE)],
    // Twice as fast as the default journal; a power failure may lose the last moments, a killed process loses nothing.
    ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
    ...['--log-level', options.logLevel ?? 'error', '--ui-disable-news-fetch'],
    ...['--dynamic-config-value', `history.transferProcessorMaxPollRPS=${pollsPerSecond}`],
    ...['--dynamic-config-value', `history.timerProcessorMaxPollRPS=${pollsPerSecond}`],
    ...Object.entries(options.searchAttributes).flatMap(([name, type]) => [
      '--search-attribute',
      `${name}=${type}`,
    ]),
  ]
}

const namespaceAnswers = async (port: number): Promise<void> => {
  // gRPC waits a second after a refused connection, so it only dials a port that is open.
  await portOpens(port)
  await withConnection(port, (connection) =>
    connection.withDeadline(Date.now() + 2_000, async () => {
      await connection.healthService.check({ service: SERVICE })
      await connection.workflowService.describeNamespace({ namespace: NAMESPACE })
    }),
  )
}

const withConnection = async (
  port: number,
  use: (connection: Connection) => Promise<void>,
): Promise<void> => {
  const connection = await Connection.connect({ address: `${HOST}:${port}`, connectTimeout: 2_000 })
  try {
    await use(connection)
  } finally {
    await connection.close()
  }
}

const portOpens = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connectSocket({ port, host: HOST })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
  })
