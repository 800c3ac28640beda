/** Stripe's own mock, which checks requests against Stripe's published OpenAPI. It is written in Go and built once. */
import { execFile, spawn } from 'node:child_process'
import { access, mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const VERSION = 'v0.203.0'
const CACHE = path.join(import.meta.dirname, '../../../../../.mainstay/bin-cache', `stripe-mock-${VERSION}`)
const BUILD_TIMEOUT_MS = 300_000

const run = promisify(execFile)

export type FoundMock = { binary: string } | { missing: string }

/** The executable: from STRIPE_MOCK_BINARY, from the cache, or built into it; or why there is none. */
export async function findStripeMock(): Promise<FoundMock> {
  const chosen = process.env['STRIPE_MOCK_BINARY']
  if (chosen !== undefined && chosen !== '') return { binary: chosen }
  const binary = path.join(CACHE, 'stripe-mock')
  if (await exists(binary)) return { binary }
  try {
    await mkdir(CACHE, { recursive: true })
    await run('go', ['install', `github.com/stripe/stripe-mock@${VERSION}`], {
      env: { ...process.env, GOBIN: CACHE },
      timeout: BUILD_TIMEOUT_MS,
    })
    return { binary }
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
    return { missing: `stripe-mock ${VERSION} cannot be built here: ${reason}` }
  }
}

/** Starts it on a free port. */
export async function startStripeMock(binary: string) {
  const port = await freePort()
  const child = spawn(binary, ['-http-addr', `127.0.0.1:${port}`], { stdio: 'ignore' })
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; ; tries++) {
    const answer = await fetch(`${url}/v1/charges`, { headers: { authorization: 'Bearer sk_test_1' } }).catch(
      () => undefined,
    )
    if (answer?.ok === true) break
    if (tries === 100 || child.exitCode !== null) throw new Error('stripe-mock did not start')
    await sleep(100)
  }
  return {
    url,
    async stop(): Promise<void> {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill()
      await ended
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('there is no free port')
  return address.port
}

const exists = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  )
