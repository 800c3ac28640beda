/**
 * Leads something that has a life through random commands, beside a model that says what becomes of it. Whoever reads a
 * failure finds the command in its message, and the seed in fast-check's.
 */
import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'
import { ApplicationFailure } from '@temporalio/common'
import { ProblemError } from '#platform/problem.ts'

export interface Life<State extends { shown: object }, Wish, Command, Stored = unknown> {
  /** Makes of a wish (a legal move, something said before) the command that it is now. */
  choose(wish: Wish, state: State): Command
  /** What the model expects: changes the state as the command has to, and answers what it comes to. */
  predict(state: State, command: Command): string
  /** @returns what it came to */
  execute(command: Command): Promise<string>
  /** All that is stored. */
  read(): Promise<Stored>
  /** The same in the model's words. */
  show(stored: Stored): object
}

/** What an answer of a use case comes to. Faults are thrown on. */
export async function outcomeOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer
    return 'done'
  } catch (error) {
    if (error instanceof ProblemError) return error.code
    if (error instanceof ApplicationFailure && error.nonRetryable) return error.type ?? ''
    throw error
  }
}

/**
 * One command after the other: each does exactly what the model says, and where that is nothing, no row is touched.
 *
 * @param story.seen gets what commands came to, so that a test can say what its stories have to have in them
 */
export async function leadAlone<State extends { shown: object }, Wish, Command, Stored>(
  life: Life<State, Wish, Command, Stored>,
  story: { state: State; wishes: readonly Wish[]; seen?: Set<string> },
): Promise<State> {
  const { wishes, seen } = story
  let { state } = story
  let before = await life.read()
  for (const wish of wishes) {
    const command = life.choose(wish, state)
    const told = JSON.stringify(command)
    const next = structuredClone(state)
    const expected = life.predict(next, command)
    expect(await life.execute(command), told).toBe(expected)
    const changes = !isDeepStrictEqual(next, state)
    const after = await life.read()
    if (!changes) expect(after, `${told} changes nothing`).toEqual(before)
    expect(life.show(after), told).toEqual(next.shown)
    seen?.add(`${expected}, ${changes ? 'changed' : 'unchanged'}`)
    state = next
    before = after
  }
  return state
}

/** Two commands at once come to what they would have come to one after the other, in one of the two orders. */
export async function leadTogether<State extends { shown: object }, Wish, Command, Stored>(
  life: Life<State, Wish, Command, Stored>,
  { state, wishes }: { state: State; wishes: readonly [Wish, Wish] },
): Promise<State> {
  const [one, other] = wishes.map((wish) => life.choose(wish, state)) as [Command, Command]
  const answers = await Promise.all([life.execute(one), life.execute(other)])
  const happened = { answers, shown: life.show(await life.read()) }
  const serially = ([first, second]: [Command, Command]) => {
    const next = structuredClone(state)
    return { answers: [life.predict(next, first), life.predict(next, second)], next }
  }
  const forwards = serially([one, other])
  const backwards = serially([other, one])
  const possible = [forwards, { ...backwards, answers: backwards.answers.toReversed() }]
  const explains = possible.find(({ answers: expected, next }) =>
    isDeepStrictEqual({ answers: expected, shown: next.shown }, happened),
  )
  const told = `${JSON.stringify(one)} with ${JSON.stringify(other)}`
  if (explains !== undefined) return explains.next
  expect(
    possible.map(({ answers: expected, next }) => ({ answers: expected, shown: next.shown })),
    told,
  ).toContainEqual(happened)
  return state
}
