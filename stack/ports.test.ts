import { once } from 'node:events'
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { DEFAULT_PORTS, portVariable } from '#contracts/services.ts'
import { assertPortsFree, freePorts, PORT_NAMES, resolvePorts } from './ports.ts'

describe('resolvePorts', () => {
  test('the defaults stand unless a variable says otherwise', () => {
    expect(resolvePorts({})).toEqual(DEFAULT_PORTS)
    expect(resolvePorts({ TEMPORAL_UI_PORT: '9000', NATS_PORT: '' })).toEqual({
      ...DEFAULT_PORTS,
      temporalUi: 9000,
    })
  })

  test.each(['0', '65536', '-1', '80.5', 'http', '1e3'])('%s is refused as a port', (text) => {
    expect(() => resolvePorts({ NATS_PORT: text })).toThrow(
      `NATS_PORT must be a port from 1 to 65535, not "${text}"`,
    )
  })

  test('one port for two parts is refused, naming both variables', () => {
    expect(() => resolvePorts({ NATS_PORT: '8080' })).toThrow(/GATEWAY_PORT or NATS_PORT/)
  })
})

describe('freePorts', () => {
  test('callers at the same time share no port', async () => {
    const tables = await Promise.all(Array.from({ length: 10 }, freePorts))
    const ports = tables.flatMap((table) => Object.values(table))
    expect(new Set(ports).size).toBe(10 * PORT_NAMES.length)
    await assertPortsFree(tables[0]!)
  })
})

describe('assertPortsFree', () => {
  test('names every busy port, the part that wanted it, its variable and the process that has it', async () => {
    const ports = await freePorts()
    const servers = [ports.orders, ports.temporalUi].map((port) => createServer().listen(port, '127.0.0.1'))
    await Promise.all(servers.map((server) => once(server, 'listening')))
    const error = await assertPortsFree(ports).catch((reason: unknown) => reason)
    expect(String(error)).toBe(
      [
        'PortsBusyError: The stack needs ports that it cannot have:',
        ...(['orders', 'temporalUi'] as const).map(
          (name) =>
            `  ${ports[name]} for ${name}: taken by process ${process.pid} (choose another with ${portVariable(name)}=…)`,
        ),
      ].join('\n'),
    )
    await assertPortsFree(ports, ['nats', 'postgres'])
    for (const server of servers) server.close()
  })
})
