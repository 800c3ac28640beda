import type { WorkflowHandle } from '@temporalio/client'
import { describe, expect, it } from 'vitest'
import { shipmentIdOf, shipmentWorkflowId, type AmendResult } from '#contracts/workflows.ts'
import { failing, openSaga, termsOf, waiting } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls } = saga

const WINDOW = waiting({ amendmentSeconds: 1 })

/** What each amendment makes of the order of two mugs, by its id. */
const AMENDMENTS: Record<string, number> = { more: 3, less: 1, most: 5 }

/**
 * An order that is amended so, and what each amendment comes to. They are all there when it is confirmed, so that none
 * comes too late.
 */
async function amended(amendmentIds: string[], policy = WINDOW) {
  saga.answers.quoteAmendment = async ({ amendmentId }) => ({
    outcome: 'possible',
    terms: termsOf(AMENDMENTS[amendmentId] ?? 2),
    linesChanged: true,
  })
  const { commitReservation } = saga.answers
  const accepted = Promise.withResolvers<void>()
  saga.answers.commitReservation = async (reservation) => {
    await accepted.promise
    return commitReservation(reservation)
  }
  const handle = await saga.start({ policy })
  const updates = []
  for (const amendmentId of amendmentIds) {
    const args: [object] = [{ amendmentId, by: 'customer' }]
    updates.push(await handle.startUpdate<AmendResult, [object]>('amend', { args, waitForStage: 'ACCEPTED' }))
  }
  accepted.resolve()
  return { handle, results: await Promise.all(updates.map((update) => update.result())) }
}

async function ends(handle: WorkflowHandle) {
  await saga.deliver()
  return handle.result()
}

/** Three mugs for 10 each in two parcels, and 5 of shipping; with a payment that is captured once where that is so. */
function split(once = false) {
  saga.answers.authorizePayment = async () => ({
    outcome: 'authorized',
    paymentId: 'p',
    ...(once ? { capturedOnce: true } : {}),
  })
  return saga.startSplit({ ...termsOf(3), policy: waiting() })
}

describe('what an order counts for against the spending limit', () => {
  it('rises with an amendment before anything else; when it may not, nothing changes', async () => {
    const { screenCustomer } = saga.answers
    saga.answers.screenCustomer = async (asked) => {
      if (asked.request === 2) return { outcome: 'refused', code: 'spending_limit' }
      if (asked.request === 3) return { outcome: 'refused', code: 'account_closed' }
      return screenCustomer(asked)
    }
    const { handle, results } = await amended(['more', 'most'])
    expect(results).toMatchObject([
      { outcome: 'refused', code: 'spending_limit_exceeded' },
      { outcome: 'refused', code: 'order_not_amendable' },
    ])
    await ends(handle)
    expect(saga.asks('screenCustomer')).toMatchObject([
      { amount: 2500 },
      { amount: 3500, request: 2 },
      { amount: 5500, request: 3 },
    ])
    expect(saga.asks('refuseAmendment')).toMatchObject([{ code: 'spending_limit_exceeded' }, {}])
    expect(saga.asks('authorizePayment')).toHaveLength(1)
    expect(saga.asks('reserveInventory')).toHaveLength(1)
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 2000, shipping: 500 }])
  })

  it('is what it was when an amendment fails later', async () => {
    const { authorizePayment } = saga.answers
    saga.answers.authorizePayment = async (asked) =>
      saga.asks('authorizePayment').length === 2
        ? { outcome: 'declined', code: 'card_declined' }
        : authorizePayment(asked)
    const { handle, results } = await amended(['more', 'more'])
    expect(results).toMatchObject([{ outcome: 'refused' }, { outcome: 'applied' }])
    await ends(handle)
    expect(saga.asks('releaseScreening')).toMatchObject([{ request: 2 }])
    expect(saga.asks('screenCustomer').map(({ request }) => request)).toEqual([undefined, 2, 3])
  })

  it('falls with an amendment, and may rise again', async () => {
    const { handle, results } = await amended(['less', 'more'])
    expect(results).toEqual([{ outcome: 'applied' }, { outcome: 'applied' }])
    await ends(handle)
    expect(saga.asks('screenCustomer')).toMatchObject([
      { amount: 2500 },
      { amount: 1500, request: 2 },
      { amount: 3500, request: 3 },
    ])
    expect(calls).not.toContain('releaseScreening')
  })

  it('stays as it was placed in orders from before', async () => {
    const { followsSpending: _later, ...policy } = WINDOW
    const { handle, results } = await amended(['more'], policy)
    expect(results).toEqual([{ outcome: 'applied' }])
    await ends(handle)
    expect(saga.asks('screenCustomer')).toHaveLength(1)
  })

  it.each([
    ['takes shipping with the parcel that leaves', false, 0, 1500],
    ['takes shipping with the other parcel that leaves', false, 1, 2500],
    ['has authorized shipping with the parcel that leaves', true, 0, 1500],
    ['has authorized shipping with the parcel that is cancelled', true, 1, 2000],
  ])('is without a parcel that is cancelled; the provider %s', async (_name, once, leaving, counted) => {
    const handle = await split(once)
    await saga.parcels(2)
    const id = shipmentWorkflowId(shipmentIdOf(handle.workflowId.slice('order-'.length), leaving))
    const leaves = saga.client.workflow.getHandle(id)
    await saga.report(leaves, 'dispatched')
    await saga.called('capturePayment')
    await saga.update(handle, 'cancel', { by: 'customer', reason: null })
    await saga.called('screenCustomer', 2)
    await saga.report(leaves, 'delivered')
    await handle.result()
    expect(saga.asks('screenCustomer')).toMatchObject([{ amount: 3500 }, { amount: counted, request: 2 }])
  })

  it('is without what a lost parcel gives back, and falls once for each', async () => {
    saga.answers.quoteLostParcel = async ({ shipmentId }) => ({
      amount: shipmentId === [...saga.shipmentIds][0] ? 1000 : 2500,
    })
    const handle = await split()
    for (const parcel of await saga.parcels(2)) {
      await saga.report(parcel, 'dispatched')
      await saga.report(parcel, 'lost')
    }
    await handle.result()
    const amounts = saga.asks('screenCustomer').map(({ amount }) => amount)
    expect(amounts).toHaveLength(3)
    expect([amounts[0], amounts[2]]).toEqual([3500, 0])
  })

  it('is without what an operator has paid back otherwise for a lost parcel', async () => {
    saga.answers.refundPayment = async () => ({ outcome: 'refused', code: 'payment_not_captured' })
    const handle = await saga.start({ policy: waiting() })
    const [parcel] = await saga.parcels()
    await saga.report(parcel!, 'dispatched')
    await saga.report(parcel!, 'lost')
    await saga.isAsked(handle, 'refundPayment', 1)
    await saga.operate(handle, 'resolve')
    await handle.result()
    expect(saga.asks('screenCustomer')).toMatchObject([{ amount: 2500 }, { amount: 0, request: 2 }])
  })

  it('is nothing when an operator has gone on without any parcel', async () => {
    saga.answers.bookShipment = failing('the carrier is away')
    const handle = await saga.start({ policy: waiting() })
    await saga.isAsked(handle)
    await saga.operate(handle, 'resolve')
    expect(await handle.result()).toMatchObject({ status: 'completed' })
    expect(saga.asks('screenCustomer')).toMatchObject([{ amount: 2500 }, { amount: 0, request: 2 }])
  })

  it('is what is sold where that is less than what was ordered', async () => {
    saga.answers.reserveInventory = async () => ({
      outcome: 'held',
      allocations: [{ warehouse: 'AMS', lines: [{ sku: 'MUG-WHITE', quantity: 1 }] }],
      expiresAt: '',
    })
    const handle = await saga.start({ policy: waiting(), onShortage: 'ship_available' })
    await ends(handle)
    expect(saga.asks('screenCustomer')).toMatchObject([{ amount: 2500 }, { amount: 1500, request: 2 }])
  })
})
