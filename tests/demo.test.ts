import { describe, expect, it } from 'vitest'
import { check } from '#stack/check/check.ts'
import { playScenario } from '#stack/demo/play.ts'
import { SCENARIOS } from '#stack/demo/scenarios.ts'
import { ourStack } from './support/test-stack.ts'

describe('the demo', () => {
  it.each(Object.entries(SCENARIOS))('%s ends as its story says', async (_name, scenario) => {
    const { ports } = ourStack()
    const lines: string[] = []
    const print = (line: string) => lines.push(line)
    const { orders, failures } = await playScenario({ scenario, ports, print }).catch((cause: unknown) => {
      throw new Error(`it was not told to its end:\n${lines.join('\n')}`, { cause })
    })
    expect(failures, lines.join('\n')).toEqual([])
    expect(orders.length).toBeGreaterThan(0)
    const checked = lines.filter((line) => line.includes('✔'))
    expect(checked.length, lines.join('\n')).toBeGreaterThan(1)
  })

  it('leaves everything sound', async () => {
    expect(await check(ourStack().target, { settled: true, patienceMs: 30_000 })).toEqual([])
  })
})
