/**
 * Goods that come back: approved, received and paid for, each by an Update that the table of returns allows. The money goes
 * back when the goods are here, or with the approval, as the input says.
 */
import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow'
import type { UpdateDefinition } from '@temporalio/common'
import { isTerminal, mayMove, RETURN, type ReturnStatus } from '#contracts/states.ts'
import type { ReceiveReturnCommand, ReturnInput, ReturnResult } from '#contracts/workflows.ts'
import { createConcerns } from './concerns.ts'
import { asDuty, inventory, orders, ordersHere, payments, untilDone } from './doors.ts'
import { approveReturn, cancelReturn, receiveReturn, rejectReturn, returnStatus } from './messages.ts'
import { inSeconds, waitUntil } from './waits.ts'

type Asked = Exclude<ReturnStatus, 'requested' | 'refunded'>

interface Move {
  to: Asked
  reason: string | null
  /** Where the goods are, when they are here. */
  receipt?: ReceiveReturnCommand
}

export async function returnGoods(input: ReturnInput): Promise<ReturnResult> {
  const { returnId, orderId, number, policy } = input
  const concerns = createConcerns({ orderId, source: `return:${returnId}`, step: 'return' })
  let status: ReturnStatus = 'requested'
  /** Where accepted Updates will have brought the return: what the next one is judged by. */
  let accepted: ReturnStatus = 'requested'
  const moves: Move[] = []
  let amount = 0
  let refunded: Promise<number> | undefined
  let overdue = false
  const overdueSource = `return:${returnId}:overdue`

  setHandler(returnStatus, () => status)
  accept(approveReturn, 'approved', () => ({}))
  accept(rejectReturn, 'rejected', ({ reason }) => ({ reason }))
  accept(receiveReturn, 'received', (receipt) => ({ receipt }))
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
      return status
    }
    const validator = (_command: Command): void => {
      // what is paid back cannot be kept
      const paid = to === 'cancelled' && accepted === 'approved' && input.refundOn === 'approval'
      if (mayMove(RETURN, accepted, to) && !paid) return
      throw ApplicationFailure.nonRetryable(
        paid ? 'The return is paid back already.' : `The return is ${accepted}; it cannot become ${to}.`,
        'return_transition_refused',
      )
    }
    setHandler(update, handle, { validator })
  }

  /** The next thing that is asked for; a return that does not arrive in time is cancelled, or an operator's when it is paid. */
  async function nextMove(): Promise<Move> {
    if (status === 'approved') {
      const arrived = await waitUntil(inSeconds(input.arrivalSeconds), () => moves.length > 0)
      if (!arrived && input.refundOn === 'receipt') {
        accepted = 'cancelled'
        moves.push({ to: 'cancelled', reason: 'The goods did not arrive in time.' })
      } else if (!arrived) {
        overdue = true
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
    const { to, reason, receipt } = move
    const recorded = await record(to, reason)
    if (to === 'approved') amount = recorded
    if (to === 'approved' && input.refundOn === 'approval') refunded = refund()
    moves.splice(moves.indexOf(move), 1)
    if (receipt === undefined) return
    if (overdue) {
      const note = 'The goods are here.'
      await orders('it is here', untilDone).settleConcern({ orderId, source: overdueSource, note })
    }
    await concerns.insist('restock', () => takeIn(receipt))
    refunded ??= refund()
    await refunded
    accepted = 'refunded'
    await record('refunded', null)
  }

  async function record(to: Exclude<ReturnStatus, 'requested'>, reason: string | null): Promise<number> {
    const { recordReturn } = ordersHere(`the return is ${to}`)
    const answer = await recordReturn({ returnId, status: to, ...(reason === null ? {} : { reason }) })
    status = to
    tell()
    return answer.amount
  }

  async function takeIn({ warehouse, disposition }: ReceiveReturnCommand): Promise<void> {
    const { restock } = inventory(`${disposition} in ${warehouse}`, asDuty(policy))
    await restock({ returnId, orderId, warehouse, lines: input.lines, disposition })
  }

  /** @returns what was paid back by the platform: nothing where an operator has seen to it otherwise */
  async function refund(): Promise<number> {
    if (amount === 0) return 0
    const done = await concerns.insist('refundPayment', async () => {
      const { refundPayment } = payments('pay the return back', asDuty(policy))
      const result = await refundPayment({ orderId, refundId: returnId, amount, reason: 'return' })
      if (result.outcome === 'refused')
        throw ApplicationFailure.nonRetryable(`the refund was refused (${result.code})`)
    })
    return done === 'done' ? amount : 0
  }

  function tell(): void {
    setCurrentDetails(`Return for **${number}**: **${status}**`)
  }
}

const ending = (status: ReturnStatus): ReturnResult['status'] =>
  status === 'rejected' || status === 'cancelled' ? status : 'refunded'
