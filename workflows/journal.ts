/** Tells the order's story as it happens: the order's row and timeline, search attributes, and the details in the Temporal UI. */
import { CancellationScope, setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow'
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common'
import type { StepRecord } from '#activities/orders.ts'
import { formatMoney } from '#contracts/money.ts'
import type { OrderStatus } from '#contracts/states.ts'
import { FIRST_STEP, type AttentionState, type OrderInput } from '#contracts/workflows.ts'
import { ordersHere } from './doors.ts'

const orderStatus = defineSearchAttributeKey('OrderStatus', SearchAttributeType.KEYWORD)
const orderStep = defineSearchAttributeKey('OrderStep', SearchAttributeType.KEYWORD)
const needsAttention = defineSearchAttributeKey('NeedsAttention', SearchAttributeType.BOOL)

export interface Journal {
  readonly status: OrderStatus
  readonly step: string
  readonly attention: AttentionState | null
  /** Moves the order to a status and says which step comes next; written before it resolves. */
  enter(status: OrderStatus, step: string, reason?: { code: string; message: string }): Promise<void>
  /** Notes a status that the order leaves at once for another: written, and not shown in search attributes. */
  pass(status: OrderStatus): Promise<void>
  /** Says which step is running without moving the order. */
  at(step: string): void
  /** Notes a step's outcome for the timeline; written with the next status. */
  note(record: Pick<StepRecord, 'name' | 'status' | 'detail'>): void
  raiseAttention(attention: AttentionState): Promise<void>
  clearAttention(answer: { action: 'retry' | 'resolve'; by: string; note: string }): Promise<void>
}

export function createJournal(input: OrderInput): Journal {
  const { orderId } = input
  let status: OrderStatus = 'placed'
  let step = 'start'
  let attention: AttentionState | null = null
  let sequence = 0
  let unwritten: StepRecord[] = []
  const story: string[] = []
  /** What the search attributes say; every change of them is a write of its own in Temporal's database. */
  let shown: { status: OrderStatus; step: string } = FIRST_STEP

  /** Markdown that the Temporal UI shows beside the run. */
  function tell(): void {
    const lines = [
      `**${input.number}** · ${formatMoney(input.total, input.currency)} · **${status}** (${step})`,
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
    upsertSearchAttributes([
      { key: orderStatus, value: status },
      { key: orderStep, value: step },
    ])
  }

  async function write(reason?: { code: string; message: string }): Promise<void> {
    tell()
    const steps = unwritten
    unwritten = []
    const record = { orderId, status, steps, ...(reason === undefined ? {} : { reason }) }
    await CancellationScope.nonCancellable(() => ordersHere(`record ${record.status}`).recordProgress(record))
  }

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
    async enter(next, nextStep, reason) {
      status = next
      step = nextStep
      show()
      await write(reason)
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
      tell()
    },
    async raiseAttention(state) {
      attention = state
      upsertSearchAttributes([{ key: needsAttention, value: true }])
      tell()
      await ordersHere(`needs an operator: ${state.step}`).raiseAttention({ orderId, ...state })
    },
    async clearAttention(answer) {
      attention = null
      upsertSearchAttributes([{ key: needsAttention, value: false }])
      tell()
      await ordersHere(`an operator says ${answer.action}`).clearAttention({ orderId, ...answer })
    },
  }
}
