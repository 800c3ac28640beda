/** Plays one scenario on a stack that is running. */
import type { Ports } from '#contracts/services.ts'
import type { Scenario } from './scenario.ts'
import { openStage } from './stage.ts'
import { runLink } from './links.ts'

export interface Play {
  scenario: Scenario
  ports: Ports
  print: (line: string) => void
  /** The account that orders; a new one unless told otherwise. */
  customer?: string
}

export interface Played {
  /** The orders that were placed, with the Temporal UI's page of each one's run. */
  orders: { id: string; link: string }[]
  /** What did not end as it should have. */
  failures: readonly string[]
}

/** @throws when the story cannot be told to its end */
export async function playScenario({ scenario, ...options }: Play): Promise<Played> {
  const { ports, print } = options
  print(`${scenario.title.charAt(0).toUpperCase()}${scenario.title.slice(1)}\n`)
  const stage = await openStage(options)
  try {
    await scenario.play(stage)
  } finally {
    await stage.close()
  }
  const orders = []
  for (const { id } of stage.orders) {
    const link = await runLink(ports, id)
    print(`Temporal UI: ${link}`)
    orders.push({ id, link })
  }
  return { orders, failures: stage.failures }
}
