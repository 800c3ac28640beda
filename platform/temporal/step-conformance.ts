/**
 * What the two activities of every saga step must do: the one that executes it and the one that undoes it. The saga relies
 * on it: an activity runs at least once, its worker may die after the effect, and a compensation may overtake it.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type * as vitest from 'vitest'

type Vitest = Pick<typeof vitest, 'describe' | 'it' | 'expect' | 'beforeAll' | 'afterAll'>

/** The step of one order. */
export interface StepOfOrder {
  execute(): Promise<{ outcome: string }>
  compensate(): Promise<unknown>
  /** How often the step's effect stands: read from where it is, not from what the activities answered. */
  effects(): Promise<number>
}

export interface StepUnderTest {
  /** Another order each time, whose step succeeds. */
  order(): Promise<StepOfOrder>
  /** The outcome that `execute` answers with when the step was undone before it came. */
  undone: string
  stop(): Promise<void>
}

/** As the saga does it: again until it is done. */
async function insist<Result>(work: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (attempt === 20) throw error
      await sleep(50 * attempt)
    }
  }
}

/**
 * Declares the tests.
 *
 * @example describeStep({ describe, it, expect, beforeAll, afterAll }, 'reserveInventory', startInventory)
 */
export function describeStep(
  { describe, it, expect, beforeAll, afterAll }: Vitest,
  name: string,
  start: () => Promise<StepUnderTest>,
): void {
  describe(`the step ${name}`, () => {
    let subject: StepUnderTest
    beforeAll(async () => {
      subject = await start()
    })
    afterAll(() => subject.stop())

    it('has one effect however often it is executed, and answers the same', async () => {
      const step = await subject.order()
      const first = await step.execute()
      expect(first.outcome).not.toBe(subject.undone)
      expect(await step.effects()).toBe(1)
      expect(await step.execute()).toEqual(first)
      expect(await step.execute()).toEqual(first)
      expect(await step.effects()).toBe(1)
    })

    it('has one effect when it is executed several times at once', async () => {
      const step = await subject.order()
      const answers = await Promise.all(Array.from({ length: 5 }, () => insist(() => step.execute())))
      expect(new Set(answers.map(({ outcome }) => outcome))).toEqual(
        new Set([(await step.execute()).outcome]),
      )
      expect(await step.effects()).toBe(1)
    })

    it('leaves nothing behind when it is undone, however often', async () => {
      const step = await subject.order()
      await step.execute()
      await Promise.all(Array.from({ length: 3 }, () => insist(() => step.compensate())))
      expect(await step.effects()).toBe(0)
      await step.compensate()
      expect(await step.effects()).toBe(0)
    })

    it('does not come to life again when it is executed late', async () => {
      const step = await subject.order()
      await step.execute()
      await step.compensate()
      expect(await step.execute()).toMatchObject({ outcome: subject.undone })
      expect(await step.effects()).toBe(0)
    })

    it('is undone before it came: it finds that out and does nothing', async () => {
      const step = await subject.order()
      await step.compensate()
      expect(await step.effects()).toBe(0)
      expect(await step.execute()).toMatchObject({ outcome: subject.undone })
      expect(await step.effects()).toBe(0)
    })

    it('ends with nothing when its compensation meets it, whichever is first', async () => {
      const steps = await Promise.all(Array.from({ length: 10 }, () => subject.order()))
      await Promise.all(
        steps.flatMap((step, index) => {
          const both = [() => insist(() => step.execute()), () => insist(() => step.compensate())]
          return (index % 2 === 0 ? both : both.toReversed()).map((run) => run())
        }),
      )
      for (const step of steps) expect(await step.effects()).toBe(0)
    })

    it('is one order’s business: another’s stays', async () => {
      const [mine, other] = [await subject.order(), await subject.order()]
      await mine.execute()
      await other.execute()
      await mine.compensate()
      expect([await mine.effects(), await other.effects()]).toEqual([0, 1])
    })
  })
}
