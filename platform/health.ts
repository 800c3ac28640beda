/** Health: what a process depends on, each asked with a time limit. */
import type { Health, HealthCheck } from '#contracts/schemas.ts'
import { version } from './version.ts'

/** Resolves (optionally with a detail) when the dependency works, rejects when it does not. */
export type Probe = () => Promise<string | void>

const PROBE_TIMEOUT_MS = 2_000

export async function runProbe(probe: Probe, timeoutMs = PROBE_TIMEOUT_MS): Promise<HealthCheck> {
  const started = performance.now()
  const latencyMs = () => Math.round((performance.now() - started) * 10) / 10
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs)
  })
  try {
    const detail = await Promise.race([probe(), timeout])
    return { status: 'up', latencyMs: latencyMs(), ...(detail === undefined ? {} : { detail }) }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    return { status: 'down', latencyMs: latencyMs(), detail: detail.slice(0, 200) }
  } finally {
    clearTimeout(timer)
  }
}

/** Asks every dependency at once; one that is down makes the whole degraded. */
export async function checkHealth(
  probes: Readonly<Record<string, Probe>>,
  timeoutMs?: number,
): Promise<Health> {
  const entries = await Promise.all(
    Object.entries(probes).map(async ([name, probe]) => [name, await runProbe(probe, timeoutMs)] as const),
  )
  return {
    status: entries.every(([, check]) => check.status === 'up') ? 'healthy' : 'degraded',
    version,
    uptime: Math.round(process.uptime()),
    checks: Object.fromEntries(entries),
  }
}
