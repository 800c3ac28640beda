import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { superviseChild, type Child } from './children.ts'
import { createRestarts } from './restarts.ts'
import { temporaryFolder } from './temporary-folder.ts'

const FOREVER = 'setInterval(() => {}, 1_000)'

const folder = temporaryFolder()
const children: Child[] = []
afterEach(async () => {
  await Promise.all(children.splice(0).map((child) => child.stop()))
})
afterAll(folder.remove)

async function world(script: string, ready: () => Promise<void> = async () => {}) {
  const lines: string[] = []
  const restarts = createRestarts(
    (name) => (name === child.name ? child : undefined),
    (line) => lines.push(line),
  )
  const child: Child = superviseChild({
    name: 'server',
    dataFolder: folder.path,
    command: process.execPath,
    arguments: ['-e', script],
    ready,
    onUnexpectedExit: restarts.take,
  })
  children.push(child)
  await child.start()
  const crash = () => process.kill(child.pid()!, 'SIGKILL')
  return { child, restarts, lines, crash }
}

describe('what ends by itself', () => {
  test('is started again, and said to be', async () => {
    const { child, lines, crash } = await world(FOREVER)
    crash()
    await expect.poll(() => lines.at(-1)).toBe('server is back')
    expect(lines[0]).toMatch(/^server ended by itself \(SIGKILL\), it is started again; see .*server\.log/)
    expect(child.isRunning()).toBe(true)
  })

  test('stays away when it ends again and again', async () => {
    const { child, lines } = await world(`setTimeout(() => process.exit(3), 50)`)
    await expect.poll(() => lines.at(-1)).toContain('stays away')
    expect(lines.filter((line) => line.includes('started again'))).toHaveLength(5)
    expect(child.isRunning()).toBe(false)
  })

  test('is not started again once the stack stops, which waits for a start under way', async () => {
    let slow = 0
    const { child, restarts, lines, crash } = await world(FOREVER, () => sleep(slow))
    slow = 300
    crash()
    await expect.poll(() => lines).toHaveLength(1)
    await restarts.end()
    expect(child.isRunning()).toBe(true)
    crash()
    await expect.poll(() => child.isRunning()).toBe(false)
    expect(lines).toEqual([expect.stringContaining('started again'), 'server is back'])
  })

  test('is only told of where nothing can start it', async () => {
    const { restarts, lines } = await world(FOREVER)
    restarts.take({ name: 'other', code: 1, signal: null, logTail: '', logFile: 'other.log' })
    expect(lines).toEqual([expect.stringMatching(/^other ended by itself \(1\), it stays away/)])
  })
})
