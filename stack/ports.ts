import { createServer } from 'node:net'
import { DEFAULT_PORTS, portVariable, type PortName, type Ports } from '#contracts/services.ts'
import { listenerPid } from './listener-pid.ts'

const LOOPBACK = '127.0.0.1'

/** In the order of the table, which is the order of messages. */
export const PORT_NAMES: readonly PortName[] = Object.keys(DEFAULT_PORTS).filter(
  (name): name is PortName => name in DEFAULT_PORTS,
)

/** Builds the table of ports, one call per name. */
const portsFrom = (portOf: (name: PortName, index: number) => number): Ports => {
  const ports: Ports = { ...DEFAULT_PORTS }
  for (const [index, name] of PORT_NAMES.entries()) ports[name] = portOf(name, index)
  return ports
}

/** The ports of this process's stack: the defaults, each overridden by its variable (`NATS_PORT=4333`). Throws on nonsense. */
export const resolvePorts = (environment: NodeJS.ProcessEnv = process.env): Ports => {
  const ports = portsFrom((name) => {
    const text = environment[portVariable(name)]
    return text === undefined || text === '' ? DEFAULT_PORTS[name] : parsePort(portVariable(name), text)
  })
  refuseDuplicates(ports)
  return ports
}

const parsePort = (variable: string, text: string): number => {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
    throw new Error(`${variable} must be a port from 1 to 65535, not "${text}"`)
  }
  return port
}

const refuseDuplicates = (ports: Ports): void => {
  for (const name of PORT_NAMES) {
    const other = PORT_NAMES.find((candidate) => candidate !== name && ports[candidate] === ports[name])
    if (other) {
      throw new Error(
        `${name} and ${other} are both given port ${ports[name]}; change ${portVariable(name)} or ${portVariable(other)}`,
      )
    }
  }
}

/**
 * A table of free ports for a stack of one's own (tests). They come in blocks, below those that the system hands out,
 * whose first port this process keeps listening on: no other caller, in whichever process, gets the same block until
 * this process ends.
 */
export const freePorts = async (): Promise<Ports> => {
  for (let attempt = 0; attempt < 200; attempt++) {
    const first = FIRST_BLOCK + BLOCK_SIZE * Math.floor(Math.random() * BLOCKS)
    if (!(await claim(first))) continue
    const ports = portsFrom((_name, index) => first + 1 + index)
    if ((await busyPorts(ports, PORT_NAMES)).length === 0) return ports
  }
  throw new Error('No block of free ports was found')
}

const FIRST_BLOCK = 15_000
const BLOCK_SIZE = 20
const BLOCKS = 800

const claim = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const anchor = createServer()
    anchor.once('error', () => resolve(false))
    anchor.listen({ port, host: LOOPBACK, exclusive: true }, () => resolve(true))
    anchor.unref()
  })

type BusyPort = { name: PortName; port: number; reason: string; pid: number | undefined }

export class PortsBusyError extends Error {
  override readonly name = 'PortsBusyError'
  readonly busy: readonly BusyPort[]

  constructor(busy: readonly BusyPort[]) {
    super(['The stack needs ports that it cannot have:', ...busy.map(describe)].join('\n'))
    this.busy = busy
  }
}

const describe = ({ name, port, reason, pid }: BusyPort): string => {
  const holder = pid === undefined ? '' : ` by process ${pid}`
  return `  ${port} for ${name}: ${reason}${holder} (choose another with ${portVariable(name)}=…)`
}

/** Throws `PortsBusyError`, which names every port that is taken, who wanted it, what changes it and, on Linux, who has it. */
export const assertPortsFree = async (
  ports: Ports,
  names: readonly PortName[] = PORT_NAMES,
): Promise<void> => {
  const busy = await busyPorts(ports, names)
  if (busy.length > 0) throw new PortsBusyError(busy)
}

const busyPorts = async (ports: Ports, names: readonly PortName[]): Promise<BusyPort[]> => {
  const checked = await Promise.all(
    names.map(async (name) => ({ name, port: ports[name], reason: await whyBusy(ports[name]) })),
  )
  return checked.flatMap(({ name, port, reason }) =>
    reason === undefined ? [] : [{ name, port, reason, pid: listenerPid(port) }],
  )
}

const whyBusy = (port: number): Promise<string | undefined> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve(explain(error)))
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(undefined)))
  })

const explain = (error: Error): string => {
  const code = 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') return 'taken'
  if (code === 'EACCES') return 'not allowed for this user'
  return error.message
}
