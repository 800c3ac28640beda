/** The checker: reads everything raw and says which of the platform's invariants (docs/architecture.md) do not hold. */
import { setTimeout as sleep } from 'node:timers/promises'
import { checkAfterSales } from './after-sales.ts'
import { checkEvents } from './events.ts'
import type { Finding } from './findings.ts'
import { checkMoney } from './money.ts'
import { checkOrders } from './orders.ts'
import { openSources, type CheckTarget } from './sources.ts'
import { checkStock } from './stock.ts'

export interface CheckOptions {
  /** Whether every order should have ended or wait for a person. */
  settled?: boolean
  /** Events and projections are a moment behind: how long to wait for them before a finding counts. */
  patienceMs?: number
}

/** @returns what is broken; empty when everything holds */
export async function check(
  target: CheckTarget,
  { settled = false, patienceMs = 30_000 }: CheckOptions = {},
): Promise<Finding[]> {
  const sources = await openSources(target)
  try {
    const deadline = performance.now() + patienceMs
    for (;;) {
      const stream = await sources.stream()
      const findings = [
        ...(await checkOrders(sources, stream, settled)),
        ...(await checkMoney(sources)),
        ...(await checkAfterSales(sources, stream)),
        ...(await checkStock(sources)),
        ...(await checkEvents(sources, stream)),
      ]
      if (findings.length === 0 || performance.now() > deadline) return findings
      await sleep(500)
    }
  } finally {
    await sources.close()
  }
}
