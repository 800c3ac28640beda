import { expect, it } from 'vitest'
import { isTemporalAway } from './errors.ts'

it('an Update that came while a task of its workflow is done over may be sent again', () => {
  const answer = 'Unable to perform workflow execution update due to Workflow Task in failed state.'
  expect(isTemporalAway(new Error(answer))).toBe(true)
  expect(isTemporalAway(new Error('the start failed', { cause: new Error(answer) }))).toBe(true)
  expect(isTemporalAway(new Error('a bug'))).toBe(false)
})
