/**
 * Goods that come back: approved, received and paid for, each by an Update that the table of returns allows. The money goes
 * back when the goods are here, or with the approval, as the input says.
 */
import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  patched,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow'
import type { UpdateDefinition } from '@temporalio/common'
import { isTerminal, mayMove, RETURN, type ReturnStatus } from '#contracts/states.ts'
import type { ReturnInput, ReturnReceipt, ReturnResult } from '#contracts/return-workflow.ts'
import { createConcerns } from './concerns.ts'
import { asDuty, inventory, orders, ordersHere, payments, untilDone } from './doors.ts'
import { approveReturn, cancelReturn, receiveReturn, rejectReturn, returnStatus } from './messages.ts'
import { createOpenQuestions } from './needs-attention.ts'
import { giveUpRefund } from './settled-otherwise.ts'
import { inSeconds, waitUntil } from './waits.ts'

type Asked = Exclude<ReturnStatus, 'requested' | 'refunded'>

interface Move {
  to: Asked | 'refunded'
  reason: string | null
  /** Where the goods are, when they are here. */
  receipt?: ReturnReceipt
  /** What has gone back, when that is known. */
  paid?: number | undefined
}

export async function returnGoods(input: ReturnInput): Promise<ReturnResult> {
  const { returnId, orderId, number, policy } = input
  const questions = createOpenQuestions()
  const concerns = createConcerns({ orderId, source: `return:${returnId}`, step: 'return' }, questions)
  let status: ReturnStatus = 'requested'
  /** Where accepted Updates will have brought the return: what the next one is judged by. */
  let accepted: ReturnStatus = 'requested'
  const moves: Move[] = []
  let amount = 0
  let refunded: Promise<number | undefined> | undefined
  let overdue = false
  /** When the money goes back, and what goes back is known for certain. */
  const pays = input.refundOn === 'approval' ? 'approved' : 'received'
  const overdueSource = `return:${returnId}:overdue`

  setHandler(returnStatus, () => status)
  accept(approveReturn, 'approved', () => ({}))
  accept(rejectReturn, 'rejected', ({ reason }) => ({ reason }))
  accept(receiveReturn, 'received', ({ by: _by, ...receipt }) => ({ receipt }))
  accept(cancelReturn, 'cancelled', () => ({}))

  return CancellationScope.nonCancellable(async () => {
    tell()
    while (!isTerminal(RETURN, status)) await step(await nextMove())
    await condition(allHandlersFinished)
    return { returnId, status: ending(status), refunded: (await refunded) ?? 0 }
  })

  function accept<Command>(
    update: UpdateDefinition<ReturnStatus, [Command]>,
    to: Asked,
    detail: (command: Command) => Partial<Move>,
  ): void {
    const handle = async (command: Command): Promise<ReturnStatus> => {
      const move = { to, reason: null, ...detail(command) }
      accepted = to
      moves.push(move)
      // also when the order of things is undone meanwhile
      await CancellationScope.nonCancellable(() => condition(() => !moves.includes(move)))
      if (!hasBeen(to, status)) throw refusal(status, to)
      return status
    }
    const validator = (_command: Command): void => {
      // what is paid back cannot be kept
      const paid = to === 'cancelled' && accepted === 'approved' && input.refundOn === 'approval'
      if (mayMove(RETURN, accepted, to) && !paid) return
      throw paid ? refusalSaying('The return is paid back already.') : refusal(accepted, to)
    }
    setHandler(update, handle, { validator })
  }

  /** The next thing that is asked for; a return that does not arrive in time is cancelled, or an operator's when it is paid. */
  async function nextMove(): Promise<Move> {
    if (status === 'approved') {
      const arrived = await waitUntil(
        inSeconds(input.arrivalSeconds),
        () => moves.length > 0,
        'the returned goods',
      )
      if (!arrived && input.refundOn === 'receipt') {
        accepted = 'cancelled'
        moves.push({ to: 'cancelled', reason: 'The goods did not arrive in time.' })
      } else if (!arrived) {
        overdue = true
        questions.raised(overdueSource)
        await orders('paid back and not here', untilDone).raiseConcern({
          orderId,
          source: overdueSource,
          step: 'return',
          operation: 'return_overdue',
          error: `return ${returnId} is paid back and has not arrived in time`,
        })
      }
    }
    await condition(() => moves.length > 0)
    const [move] = moves
    if (move === undefined) throw ApplicationFailure.nonRetryable('there is nothing to do')
    return move
  }

  async function step(move: Move): Promise<void> {
    const { receipt, amount: given } = await record(move)
    if (isTerminal(RETURN, status)) return
    if (refunded === undefined && (status === pays || status === 'received')) amount = given
    if (pays === 'approved' && status !== 'requested') refunded ??= refund()
    if (status !== 'received' || receipt === undefined) return
    if (overdue) {
      questions.settled(overdueSource)
      const note = 'The goods are here.'
      await orders('it is here', untilDone).settleConcern({ orderId, source: overdueSource, note })
    }
    await concerns.insist('restock', () => takeIn(receipt))
    refunded ??= refund()
    await record({ to: 'refunded', reason: null, paid: await refunded })
  }

  /**
   * Writes down a move. The row may have gone another way, in a task that was lost with its worker or before the run was
   * reset: then the return is where its row is, and what was asked of it otherwise is refused.
   */
  async function record(move: Move): Promise<{ amount: number; receipt: ReturnReceipt | undefined }> {
    const { to, reason, paid } = move
    const { recordReturn } = returnsDoor(`the return is ${to}`)
    const row = await recordReturn({
      returnId,
      status: to,
      ...(reason === null ? {} : { reason }),
      ...(to === pays ? { pays: true } : {}),
      ...(paid === undefined ? {} : { paid }),
      ...(to === 'approved' ? { until: inSeconds(input.arrivalSeconds) } : {}),
      ...(move.receipt === undefined ? {} : { receipt: move.receipt }),
    })
    const { amount: given, receipt = move.receipt } = row
    const reached = row.status ?? to
    // where nobody wrote down where the goods are, the receipt has to be said again
    status = reached === 'received' && receipt === undefined ? 'approved' : reached
    if (status === 'refunded') refunded ??= Promise.resolve(row.refunded ?? given)
    const left = moves.filter((other) => other !== move && mayMove(RETURN, status, other.to))
    moves.splice(0, moves.length, ...left)
    accepted = left.at(-1)?.to ?? status
    tell()
    return { amount: given, receipt }
  }

  async function takeIn({ warehouse, disposition }: ReturnReceipt): Promise<void> {
    const { restock } = inventory(`${disposition} in ${warehouse}`, asDuty(policy))
    await restock({ returnId, orderId, warehouse, lines: input.lines, disposition })
  }

  /**
   * What others have given back meanwhile is not given back again: then it is what is left.
   *
   * @returns what was paid back by the platform; undefined where an operator has seen to it otherwise
   */
  async function refund(): Promise<number | undefined> {
    if (amount === 0) return 0
    let paid = 0
    const done = await concerns.insist('refundPayment', async () => {
      const { refundPayment } = payments('pay the return back', asDuty(policy))
      const result = await refundPayment({
        orderId,
        refundId: returnId,
        amount,
        reason: 'return',
        orWhatIsLeft: true,
      })
      if (result.outcome === 'refused')
        throw ApplicationFailure.nonRetryable(`the refund was refused (${result.code})`)
      paid = result.amount
    })
    if (done === 'done') return paid
    await giveUpRefund({ orderId, refundId: returnId, amount, reason: 'return' })
    return undefined
  }

  function tell(): void {
    setCurrentDetails(`Return for **${number}**: **${status}**`)
  }
}

/**
 * An activity, which Temporal hands out together with keeping the acceptance of the Update. Runs from before that wrote inside
 * the workflow task; where that was lost with its Update, the row had moved and the return had not.
 */
const returnsDoor = (summary: string) =>
  patched('returns-follow-their-acceptance') ? orders(summary, untilDone) : ordersHere(summary)

const ending = (status: ReturnStatus): ReturnResult['status'] =>
  status === 'rejected' || status === 'cancelled' ? status : 'refunded'

/** The way of a return that is paid back. */
const WAY: readonly ReturnStatus[] = ['requested', 'approved', 'received', 'refunded']

/** Whether a return that is here has, or may have, come through this status. */
const hasBeen = (status: ReturnStatus, here: ReturnStatus): boolean =>
  status === here || (WAY.includes(status) && WAY.indexOf(status) < WAY.indexOf(here))

const refusalSaying = (message: string): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, 'return_transition_refused')

const refusal = (status: ReturnStatus, to: ReturnStatus): ApplicationFailure =>
  refusalSaying(`The return is ${status}; it cannot become ${to}.`)
