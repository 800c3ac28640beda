/** Tells the order's story as it happens: the order's row and timeline, search attributes, and the details in the Temporal UI. */
import {
  CancellationScope,
  patched,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow'
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common'
import type { MoveNumber, StepRecord } from '#activities/orders.ts'
import { formatMoney } from '#contracts/money.ts'
import type { OrderStatus } from '#contracts/states.ts'
import { FIRST_STEP } from '#contracts/search-attributes.ts'
import type { AttentionState, JournalState, OrderInput, WaitingFor } from '#contracts/workflows.ts'
import { orders, ordersHere, untilDone } from './doors.ts'
import { showAttention } from './needs-attention.ts'

const orderStatus = defineSearchAttributeKey('OrderStatus', SearchAttributeType.KEYWORD)
const orderStep = defineSearchAttributeKey('OrderStep', SearchAttributeType.KEYWORD)
const orderTotal = defineSearchAttributeKey('OrderTotal', SearchAttributeType.INT)

/** So many lines of the story are shown; the timeline has all. */
const STORY_LINES = 40

/** What goes with a move to another status. */
export interface Move {
  /** Null takes back what was said before. */
  reason?: { code: string; message: string } | null
  /** What the order waits for from now on; left out: for nothing. */
  waitingFor?: WaitingFor
}

export interface Answer {
  action: 'retry' | 'resolve'
  by: string
  note: string
}

export interface Journal {
  readonly status: OrderStatus
  readonly step: string
  readonly attention: AttentionState | null
  readonly waitingFor: WaitingFor | null
  /** The workflow was reset, and its order had been further than this run has come. */
  readonly isBehind: boolean
  /** Moves the order to a status and says which step comes next; written before it resolves. */
  enter(status: OrderStatus, step: string, move?: Move): Promise<void>
  /** Notes a status that the order leaves at once for another: written, and not shown in search attributes. */
  pass(status: OrderStatus): Promise<void>
  /** Says which step is running without moving the order. */
  at(step: string): void
  /** Notes a step's outcome for the timeline; written with the next status. */
  note(record: Pick<StepRecord, 'name' | 'status' | 'detail'>): void
  /** The order costs this much from now on, minor units. */
  reprice(total: number): void
  raiseAttention(attention: AttentionState): Promise<void>
  clearAttention(answer: Answer): Promise<void>
  /** Writes the steps that wait for the next status. */
  flush(): Promise<void>
  /** What a run that continues this one has to know, once everything is written. */
  snapshot(): JournalState
}

export function createJournal(input: OrderInput): Journal {
  const { orderId, resume } = input
  let { status, step, sequence, waitingFor }: Omit<JournalState, 'story' | 'moves'> = resume?.journal ?? {
    status: 'placed',
    step: 'start',
    sequence: 0,
    waitingFor: null,
  }
  /** A run that continues one which did not count its moves cannot say which number comes next. */
  let moves = resume === undefined ? 0 : resume.journal.moves
  const story: string[] = [...(resume?.journal.story ?? [])]
  let total = resume?.state.terms.total ?? input.total
  let attention: AttentionState | null = null
  let isBehind = resume?.journal.behind === true
  let unwritten: StepRecord[] = []
  /** What the search attributes say; every change of them is a write of its own in Temporal's database. */
  let shown: { status: OrderStatus; step: string } = resume === undefined ? FIRST_STEP : { status, step }

  /** Markdown that the Temporal UI shows beside the run. */
  function tell(): void {
    const lines = [
      `**${input.number}** · ${formatMoney(total, input.currency)} · **${status}** (${step})`,
      ...(waitingFor === null
        ? []
        : [`⏳ waits for ${WAITS_FOR[waitingFor.what]} until ${waitingFor.until}`]),
      ...(attention === null
        ? []
        : [`⚠ waits for an operator: ${attention.step} / ${attention.operation}: ${attention.error}`]),
      '',
      ...story.map((line) => `- ${line}`),
    ]
    setCurrentDetails(lines.join('\n'))
  }

  function show(): void {
    if (shown.status === status && shown.step === step) return
    shown = { status, step }
    upsertSearchAttributes(where())
  }

  const where = () => [
    { key: orderStatus, value: status },
    { key: orderStep, value: step },
  ]

  /** Tells this move from one that a worker, frozen in the meantime, writes late, and from one of a task that was lost. */
  function numbered(): { move?: MoveNumber } {
    if (moves === undefined) return {}
    moves += 1
    const { firstExecutionRunId: chain, runId: run, historyLength: task, runStartTime } = workflowInfo()
    return { move: { chain, number: moves, run, task, began: runStartTime.toISOString() } }
  }

  async function write({ reason, waitingFor: next }: Move = {}): Promise<void> {
    const changesWait = next !== undefined || waitingFor !== null
    waitingFor = next ?? null
    tell()
    const steps = unwritten
    unwritten = []
    const record = {
      orderId,
      ...numbered(),
      status,
      steps,
      ...(reason === undefined ? {} : { reason }),
      ...(changesWait ? { waitingFor } : {}),
    }
    const recorded = await CancellationScope.nonCancellable(() =>
      ordersHere(`record ${record.status}`).recordProgress(record),
    )
    if (recorded?.behind === true) isBehind = true
  }

  /**
   * The question and its answer are written by an activity with a place in history. Runs from before that wrote them
   * inside the workflow task; there, a crash between the write and the end of the task could lose the question.
   */
  const attentionDoor = (summary: string) =>
    patched('attention-outlives-crashes') ? orders(summary, untilDone) : ordersHere(summary)

  tell()
  return {
    get status() {
      return status
    },
    get step() {
      return step
    },
    get attention() {
      return attention
    },
    get waitingFor() {
      return waitingFor
    },
    get isBehind() {
      return isBehind
    },
    async enter(next, nextStep, move) {
      status = next
      step = nextStep
      show()
      await write(move)
    },
    async pass(next) {
      status = next
      await write()
    },
    at(nextStep) {
      step = nextStep
      if (step === 'compensating') show() // it may stay there for long
      tell()
    },
    note(record) {
      sequence += 1
      unwritten.push({ ...record, sequence, at: new Date().toISOString() })
      story.push(`${record.name}: ${record.status}${record.detail === null ? '' : ` (${record.detail})`}`)
      if (story.length > STORY_LINES) story.shift()
      tell()
    },
    reprice(next) {
      if (next === total) return
      total = next
      upsertSearchAttributes([{ key: orderTotal, value: total }])
      tell()
    },
    async raiseAttention(state) {
      attention = state
      showAttention(true, where()) // which may be a status that was only passed
      tell()
      await attentionDoor(`needs an operator: ${state.step}`).raiseAttention({ orderId, ...state })
    },
    async clearAttention(answer) {
      const question = attention === null ? {} : { since: attention.since }
      attention = null
      showAttention(false)
      tell()
      await attentionDoor(`an operator says ${answer.action}`).clearAttention({
        orderId,
        ...question,
        ...answer,
      })
    },
    async flush() {
      const steps = unwritten.splice(0)
      if (steps.length === 0) return
      const { recordProgress } = ordersHere('record steps')
      await CancellationScope.nonCancellable(() => recordProgress({ orderId, steps }))
    },
    snapshot: () => ({
      status,
      step,
      sequence,
      ...(moves === undefined ? {} : { moves }),
      ...(isBehind ? { behind: true as const } : {}),
      waitingFor,
      story: [...story],
    }),
  }
}

/** What an order waits for, as people say it. */
export const WAITS_FOR: Record<WaitingFor['what'], string> = {
  shortage_decision: 'the customer to decide about the shortage',
  payment_action: 'the customer to approve the payment',
  payment_method: 'another payment method',
  stock: 'stock',
}
