import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { ChildStartError, superviseChild, type ChildExit, type ChildOptions } from './children.ts'
import { endOrphans } from './pid-records.ts'
import { processIdentity } from './process-identity.ts'
import { temporaryFolder } from './temporary-folder.ts'

const folder = temporaryFolder()
afterAll(() => folder.remove())

let count = 0

const nodeChild = (script: string, more: Partial<ChildOptions> = {}) =>
  superviseChild({
    name: `child-${++count}`,
    command: process.execPath,
    arguments: ['-e', script],
    dataFolder: folder.path,
    ready: async () => undefined,
    ...more,
  })

const FOREVER = 'setInterval(() => {}, 1000)'

describe('superviseChild', () => {
  test('start resolves once the probe does, stop ends the process', async () => {
    let probes = 0
    const child = nodeChild(FOREVER, {
      ready: async () => {
        if (++probes < 3) throw new Error('not yet')
      },
    })
    await child.start()
    expect(probes).toBe(3)
    const pid = child.pid()!
    expect(processIdentity(pid)).toBeDefined()
    await child.stop()
    expect(child.isRunning()).toBe(false)
    expect(processIdentity(pid)).toBeUndefined()
  })

  test('a child that ends before it is ready shows the end of its log', async () => {
    const child = nodeChild(`console.error('no such configuration'); process.exit(3)`, {
      ready: () => Promise.reject(new Error('not yet')),
    })
    const error = await child.start().catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ChildStartError)
    expect(String(error)).toMatch(/ended with exit code 3 before it was ready[^]*no such configuration/)
  })

  test('a child that never gets ready is ended at the timeout, and the cause is the last probe', async () => {
    const child = nodeChild(FOREVER, {
      ready: () => Promise.reject(new Error('still closed')),
      readyTimeoutMilliseconds: 1_000,
    })
    await expect(child.start()).rejects.toMatchObject({
      message: expect.stringContaining('was not ready after 1 seconds'),
      cause: expect.objectContaining({ message: 'still closed' }),
    })
    expect(child.isRunning()).toBe(false)
  })

  test('a probe that hangs does not outlast the timeout', async () => {
    const child = nodeChild(FOREVER, { ready: () => new Promise(() => {}), readyTimeoutMilliseconds: 200 })
    await expect(child.start()).rejects.toBeInstanceOf(ChildStartError)
  })

  test('a program that does not exist is a start error with its cause', async () => {
    const child = nodeChild('', { command: '/does/not/exist' })
    await expect(child.start()).rejects.toMatchObject({
      message: expect.stringContaining('could not be run'),
      cause: expect.objectContaining({ code: 'ENOENT' }),
    })
  })

  test('a child that ignores its stop signal is killed after the grace', async () => {
    const child = nodeChild(`process.on('SIGTERM', () => {}); console.log('deaf'); ${FOREVER}`, {
      ready: async () => {
        if (!readFileSync(child.logFile, 'utf8').includes('deaf')) throw new Error('not yet')
      },
      stopGraceMilliseconds: 200,
    })
    await child.start()
    const pid = child.pid()!
    await child.stop()
    expect(processIdentity(pid)).toBeUndefined()
  })

  test('only an exit that nobody asked for is reported, once', async () => {
    const exits: ChildExit[] = []
    const child = nodeChild(`console.log('dying'); setTimeout(() => process.exit(7), 300)`, {
      onUnexpectedExit: (exit) => exits.push(exit),
    })
    await child.start()
    await expect
      .poll(() => exits)
      .toEqual([{ name: child.name, code: 7, signal: null, logTail: 'dying', logFile: child.logFile }])

    const calm = nodeChild(FOREVER, { onUnexpectedExit: (exit) => exits.push(exit) })
    await calm.start()
    await calm.kill()
    await calm.start()
    await calm.stop()
    expect(exits).toHaveLength(1)
  })

  test('starting twice is refused', async () => {
    const child = nodeChild(FOREVER)
    await child.start()
    await expect(child.start()).rejects.toThrow(/is running already/)
    await child.stop()
  })

  test('a child runs in a process group of its own, so that Ctrl-C does not reach it', async () => {
    const child = nodeChild(FOREVER)
    await child.start()
    const stat = readFileSync(`/proc/${child.pid()}/stat`, 'utf8')
    const group = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]
    expect(Number(group)).toBe(child.pid())
    await child.stop()
  })
})

describe('endOrphans', () => {
  const supervisorScript = (dataFolder: string, atEnd: string) => `
    import { superviseChild } from ${JSON.stringify(path.join(import.meta.dirname, 'children.ts'))}
    const child = superviseChild({
      name: 'orphan', command: process.execPath, arguments: ['-e', ${JSON.stringify(FOREVER)}],
      dataFolder: ${JSON.stringify(dataFolder)}, ready: async () => {},
    })
    await child.start()
    console.log(child.pid())
    ${atEnd}`

  const runSupervisor = async (dataFolder: string, atEnd: string): Promise<number> => {
    const supervisor = spawn(
      process.execPath,
      ['--input-type=module-typescript', '-e', supervisorScript(dataFolder, atEnd)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    const [output] = (await once(supervisor.stdout, 'data')) as [Buffer]
    if (supervisor.exitCode === null && supervisor.signalCode === null) await once(supervisor, 'exit')
    return Number(output.toString())
  }

  test('a child outlives a supervisor that was killed, and the next run ends it', async () => {
    const dataFolder = path.join(folder.path, 'killed')
    const pid = await runSupervisor(dataFolder, `process.kill(process.pid, 'SIGKILL')`)
    expect(processIdentity(pid)).toBeDefined()
    expect(await endOrphans(dataFolder)).toMatchObject([{ name: 'orphan', pid }])
    expect(processIdentity(pid)).toBeUndefined()
    expect(await endOrphans(dataFolder)).toEqual([])
  })

  test('a supervisor that ends by itself takes its children along', async () => {
    const dataFolder = path.join(folder.path, 'exited')
    const pid = await runSupervisor(dataFolder, 'process.exit(1)')
    await expect.poll(() => processIdentity(pid)).toBeUndefined()
  })

  test('a process that was given the recorded pid later is left alone', async () => {
    const bystander = spawn(process.execPath, ['-e', FOREVER])
    const dataFolder = path.join(folder.path, 'reused')
    mkdirSync(path.join(dataFolder, 'run'), { recursive: true })
    writeFileSync(
      path.join(dataFolder, 'run', 'nats.pid.json'),
      JSON.stringify({ name: 'nats', pid: bystander.pid, identity: 'another-boot:1', stopSignal: 'SIGTERM' }),
    )
    expect(await endOrphans(dataFolder)).toEqual([])
    expect(processIdentity(bystander.pid!)).toBeDefined()
    expect(readdirSync(dataFolder)).toEqual([])
    bystander.kill('SIGKILL')
  })
})
