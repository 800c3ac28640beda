import type { ServiceName } from '#contracts/services.ts'
import { Health } from '#contracts/schemas.ts'
import type { Probe } from '#platform/health.ts'
import { parser } from '#platform/validation.ts'

const ASK_TIMEOUT_MS = 2_500

const parseHealth = parser('the health of a service', Health)

/**
 * Asks a service how it is. The world learns what is down inside, not where it lives: errors carry names, no addresses.
 */
export const probeService =
  (service: ServiceName, url: string): Probe =>
  async () => {
    const { checks, status } = await askHealth(service, url)
    if (status === 'healthy') return
    const down = Object.entries(checks).filter(([, check]) => check.status === 'down')
    throw new Error(`down inside: ${down.map(([name]) => name).join(', ')}`)
  }

async function askHealth(service: ServiceName, url: string): Promise<Health> {
  let text: string
  try {
    const response = await fetch(`${url}/health`, {
      redirect: 'error',
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
    })
    text = await response.text()
  } catch (cause) {
    const late = cause instanceof Error && cause.name === 'TimeoutError'
    throw new Error(late ? `no answer within ${ASK_TIMEOUT_MS} ms` : `${service} cannot be reached`, {
      cause,
    })
  }
  try {
    return parseHealth(JSON.parse(text))
  } catch (cause) {
    throw new Error(`${service} does not answer with its health`, { cause })
  }
}
