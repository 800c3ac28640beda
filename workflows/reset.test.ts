import { describe, expect, it } from 'vitest'
import { resetRun } from '#stack/demo/reset-run.ts'
import { openSaga, waiting } from '#tests/support/saga.ts'

const saga = openSaga()

/** When each run says that it began, of the runs that have moved the order. */
const beginnings = () => [
  ...new Map(
    saga.asks('recordProgress').flatMap(({ move }) => (move ? [[move.run, move.began ?? '']] : [])),
  ).values(),
]

describe('an order whose workflow an operator resets', () => {
  it('makes its moves again with the numbers that they had, as another run of the same chain', async () => {
    saga.answers.authorizePayment = async () => ({ outcome: 'declined', code: 'card_declined' })
    const { workflowId } = await saga.start({ policy: waiting() })
    const handle = saga.client.workflow.getHandle(workflowId)
    await saga.reaches(handle, 'awaiting_customer', 'payment_method')
    const { runId } = await handle.describe()
    await resetRun(saga.client, workflowId, 'first')
    await saga.called('recordProgress:awaiting_customer', 2)
    const moves = saga
      .asks('recordProgress')
      .flatMap(({ move, status }) => (move ? [{ ...move, status }] : []))
    const again = moves.filter(({ run }) => run !== runId)
    expect(new Set(moves.map(({ chain }) => chain))).toEqual(new Set([runId]))
    expect(again.map(({ number, status }) => [number, status])).toEqual(
      moves
        .filter(({ run }) => run === runId)
        .slice(-again.length)
        .map(({ number, status }) => [number, status]),
    )
    const [before = '', after = ''] = beginnings()
    expect(after > before).toBe(true)
    await saga.update(handle, 'cancel', { by: 'customer', reason: null })
    await handle.result().catch(() => {})
  })

  it('is undone with what the run before had begun, where it is cancelled before it has come to that', async () => {
    const screening = Promise.withResolvers<{ outcome: 'cleared' }>()
    saga.answers.authorizePayment = async () => ({ outcome: 'declined', code: 'card_declined' })
    const { workflowId } = await saga.start({ policy: waiting() })
    const handle = saga.client.workflow.getHandle(workflowId)
    await saga.reaches(handle, 'awaiting_customer', 'payment_method')
    saga.answers.screenCustomer = () => screening.promise
    const { runId } = await handle.describe()
    saga.answers.recordProgress = async ({ move }) => (move?.run === runId ? undefined : { behind: true })
    await resetRun(saga.client, workflowId, 'first')
    await saga.called('screenCustomer', 2)
    await saga.update(handle, 'cancel', { by: 'customer', reason: null })
    screening.resolve({ outcome: 'cleared' })
    await handle.result().catch(() => {})
    expect(saga.asks('authorizePayment')).toHaveLength(1)
    expect(saga.calls.slice(-5)).toEqual([
      'recordProgress:cancelling',
      'voidPayment',
      'releaseScreening',
      'releaseReservation',
      'recordProgress:cancelled',
    ])
  })

  it('says when its first run began, where the reset kept the first task', async () => {
    saga.answers.authorizePayment = async () => ({ outcome: 'declined', code: 'card_declined' })
    const { workflowId } = await saga.start({ policy: waiting() })
    const handle = saga.client.workflow.getHandle(workflowId)
    await saga.reaches(handle, 'awaiting_customer', 'payment_method')
    await resetRun(saga.client, workflowId, 'last')
    await saga.update(handle, 'cancel', { by: 'customer', reason: null })
    await handle.result().catch(() => {})
    const [before, after] = beginnings()
    expect(after).toBe(before)
  })
})
