import type { WorkflowHandle } from '@temporalio/client'
import { describe, expect, it } from 'vitest'
import { openAmendments } from '#tests/support/amendments.ts'
import { failing, openSaga, waiting } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls } = saga
const { quotes, amend, send, amendable, confirmed, ends } = openAmendments(saga)

const shortages = [{ sku: 'MUG-WHITE', requested: 2, available: 1 }]

/** What was accepted leaves an event in the history; what the validator refused does not. */
async function accepted({ workflowId }: WorkflowHandle): Promise<string[]> {
  const { events } = await saga.client.workflow.getHandle(workflowId).fetchHistory()
  return (events ?? []).flatMap(
    ({ workflowExecutionUpdateAcceptedEventAttributes: update }) =>
      update?.acceptedRequest?.input?.name ?? [],
  )
}

const refusedAs = (message: string) => ({ cause: { type: 'order_not_amendable', message } })

describe('an amendment', () => {
  it('waits for the one before it, and builds on it', async () => {
    const handle = await amendable()
    const first = await send(handle, 'more')
    const results = await Promise.all([first.result(), amend(handle, 'most')])
    expect(results).toEqual([{ outcome: 'applied' }, { outcome: 'applied' }])
    await ends(handle)
    const statuses = calls.filter((call) => /amending|confirmed/.test(call))
    expect(statuses.slice(-4)).toEqual([
      'recordProgress:amending',
      'recordProgress:confirmed',
      'recordProgress:amending',
      'recordProgress:confirmed',
    ])
    expect(saga.asks('authorizePayment').map(({ request }) => request)).toEqual([1, 2, 3])
    expect(saga.asks('keepAuthorization')).toHaveLength(2)
  })

  it('that comes early waits for the confirmation', async () => {
    quotes()
    let authorize = () => {}
    const held = new Promise<void>((resolve) => (authorize = resolve))
    saga.answers.authorizePayment = async () => {
      await held
      return { outcome: 'authorized', paymentId: 'p' }
    }
    const handle = await saga.start({ policy: waiting() })
    await saga.called('authorizePayment')
    const amended = await send(handle, 'more')
    authorize()
    expect(await amended.result()).toEqual({ outcome: 'applied' })
    await ends(handle)
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 3000, shipping: 500 }])
  })

  it('that comes early is refused when the order comes to nothing', async () => {
    quotes()
    let decline = () => {}
    const held = new Promise<void>((resolve) => (decline = resolve))
    saga.answers.authorizePayment = async () => {
      await held
      return { outcome: 'declined', code: 'card_declined' }
    }
    const handle = await saga.start()
    await saga.called('authorizePayment')
    const amended = await send(handle, 'more')
    decline()
    expect(await amended.result()).toMatchObject({ outcome: 'refused', code: 'order_not_amendable' })
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'declined' })
    expect(saga.asks('refuseAmendment')).toMatchObject([{ amendmentId: 'more' }])
  })

  it('is refused once the parcels are being sent, and while the order is being cancelled', async () => {
    const handle = await saga.start({ policy: waiting() })
    await saga.parcels()
    await expect(amend(handle, 'more')).rejects.toMatchObject({ cause: { type: 'order_not_amendable' } })
    await ends(handle)

    const other = await confirmed()
    saga.answers.voidPayment = failing('the provider is away')
    await saga.update(other, 'cancel', { by: 'customer', reason: null })
    await expect(amend(other, 'more')).rejects.toMatchObject({ cause: { type: 'order_not_amendable' } })
    await saga.isAsked(other)
    await saga.operate(other, 'resolve')
    await other.result().catch(() => {})
    expect(calls).not.toContain('quoteAmendment')
  })

  it('is finished before a cancellation that comes meanwhile', async () => {
    const handle = await confirmed()
    let quoted = () => {}
    const held = new Promise<void>((resolve) => (quoted = resolve))
    const quote = saga.answers.quoteAmendment
    saga.answers.quoteAmendment = async (ref) => {
      await held
      return quote(ref)
    }
    const amended = amend(handle, 'more')
    await saga.called('quoteAmendment')
    await saga.update(handle, 'cancel', { by: 'customer', reason: null })
    quoted()
    expect(await amended).toEqual({ outcome: 'applied' })
    await handle.result().catch(() => {})
    expect((await handle.describe()).status.name).toBe('CANCELLED')
    expect(calls.indexOf('voidPayment')).toBeGreaterThan(calls.indexOf('keepAuthorization'))
  })

  it.each<[string, string, string, () => void]>([
    [
      'shortage_decision',
      'awaiting_customer',
      'The order is waiting for the customer to decide about the shortage.',
      () => (saga.answers.reserveInventory = async () => ({ outcome: 'out_of_stock', shortages })),
    ],
    [
      'payment_action',
      'awaiting_customer',
      'The order is waiting for the customer to approve the payment.',
      () =>
        (saga.answers.authorizePayment = async () => ({ outcome: 'requires_action', url: 'https://b.test' })),
    ],
    [
      'payment_method',
      'awaiting_customer',
      'The order is waiting for another payment method.',
      () => (saga.answers.authorizePayment = async () => ({ outcome: 'declined', code: 'card_declined' })),
    ],
  ])('is refused at once while the order waits: %s', async (what, status, message, answers) => {
    quotes()
    answers()
    const handle = await saga.start({ onShortage: 'ask', policy: waiting() })
    await saga.reaches(handle, status, what)
    await expect(amend(handle, 'less')).rejects.toMatchObject(refusedAs(message))
    await saga.update(handle, 'cancel', { by: 'customer', reason: null })
    await handle.result().catch(() => {})
    expect(await accepted(handle)).toEqual(['cancel'])
    expect(calls).not.toContain('refuseAmendment')
  })

  it('is refused at once while the order waits for stock, and taken when it has come', async () => {
    quotes()
    let come = false
    const reserve = saga.answers.reserveInventory
    saga.answers.reserveInventory = async (input) =>
      come ? reserve(input) : { outcome: 'backordered', shortages }
    const { commitReservation } = saga.answers
    const hasAsked = Promise.withResolvers<void>()
    saga.answers.commitReservation = async (reservation) => {
      await hasAsked.promise
      return commitReservation(reservation)
    }
    const handle = await saga.start({ onShortage: 'backorder', policy: waiting({ amendmentSeconds: 1 }) })
    await saga.reaches(handle, 'reserving', 'stock')
    await expect(amend(handle, 'more')).rejects.toMatchObject(refusedAs('The order is waiting for stock.'))
    come = true
    await handle.signal('stockHeld', { orderId: 'o' })
    await saga.called('commitReservation')
    const amended = await send(handle, 'more')
    hasAsked.resolve()
    expect(await amended.result()).toEqual({ outcome: 'applied' })
    await ends(handle)
    expect((await accepted(handle)).filter((name) => name === 'amend')).toHaveLength(1)
  })

  it('is refused at once while an operator is asked', async () => {
    const handle = await amendable()
    saga.answers.applyAmendment = failing('the database is away')
    const first = amend(handle, 'more')
    await saga.isAsked(handle, 'applyAmendment')
    await expect(amend(handle, 'most')).rejects.toMatchObject(
      refusedAs('The order is waiting for an operator.'),
    )
    saga.answers.applyAmendment = async () => {}
    await saga.operate(handle, 'retry')
    expect(await first).toEqual({ outcome: 'applied' })
    await ends(handle)
  })
})
