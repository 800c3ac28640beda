/** Says in Temporal that a run waits for an operator, where operators look for it: the search attribute NeedsAttention. */
import { patched, upsertSearchAttributes } from '@temporalio/workflow'
import {
  defineSearchAttributeKey,
  SearchAttributeType,
  type SearchAttributeUpdatePair,
} from '@temporalio/common'

const needsAttention = defineSearchAttributeKey('NeedsAttention', SearchAttributeType.BOOL)

/** @param also what else is to be found by now, in the same write */
export function showAttention(value: boolean, also: readonly SearchAttributeUpdatePair[] = []): void {
  upsertSearchAttributes([{ key: needsAttention, value }, ...also])
}

export interface OpenQuestions {
  /** A question that is open already is the same one. */
  raised(source: string): void
  settled(source: string): void
}

/** The questions of a parcel or a return: shown from the first that is open until none is. */
export function createOpenQuestions(): OpenQuestions {
  const open = new Set<string>()
  let shown = false
  return {
    raised(source) {
      open.add(source)
      // runs from before that showed nothing; what was not shown needs no taking back either
      if (shown || !patched('parcels-and-returns-show-attention')) return
      shown = true
      showAttention(true)
    },
    settled(source) {
      open.delete(source)
      if (!shown || open.size > 0) return
      shown = false
      showAttention(false)
    },
  }
}
