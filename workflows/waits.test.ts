import type { WorkflowHandle } from '@temporalio/client'
import { describe, expect, it, vi } from 'vitest'
import { failing, openSaga, PATIENCE_MS, waiting } from '#tests/support/saga.ts'

const saga = openSaga()

/** What the Temporal UI calls the run's timers. */
async function timers(handle: WorkflowHandle): Promise<(string | null)[]> {
  return (await saga.history(handle))
    .filter(({ timerStartedEventAttributes }) => timerStartedEventAttributes)
    .map(({ userMetadata }) =>
      userMetadata?.summary?.data ? JSON.parse(Buffer.from(userMetadata.summary.data).toString()) : null,
    )
}

const MOMENT = '\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z'
const until = (what: string) => expect.stringMatching(new RegExp(`^${what} until ${MOMENT}$`))

describe('the timers of a run', () => {
  it('say that the order can be amended and that a parcel is on its way', async () => {
    const handle = await saga.start({ policy: waiting({ amendmentSeconds: 1, deliverySeconds: 600 }) })
    const [parcel] = await saga.parcels()
    await saga.report(parcel!, 'dispatched')
    await vi.waitFor(async () => expect(await timers(parcel!)).toEqual([until('delivery')]), PATIENCE_MS)
    await saga.report(parcel!, 'delivered')
    await handle.result()
    expect(await timers(handle)).toEqual([until('amendments')])
  })

  it('say that the customer’s approval and another payment method are waited for', async () => {
    saga.answers.authorizePayment = async () => ({ outcome: 'requires_action', url: 'https://bank.test/1' })
    const approved = await saga.start({ policy: waiting({ paymentSeconds: 1 }) })
    await approved.result()
    expect(await timers(approved)).toEqual([until('approval of the payment')])

    saga.answers.authorizePayment = async () => ({ outcome: 'declined', code: 'insufficient_funds' })
    const declined = await saga.start({ policy: waiting({ paymentSeconds: 1 }) })
    await declined.result()
    expect(await timers(declined)).toEqual([until('another payment method')])
  })

  it('say that stock and a decision are waited for', async () => {
    saga.answers.reserveInventory = async () => ({ outcome: 'backordered', shortages: [] })
    const backordered = await saga.start({
      onShortage: 'backorder',
      policy: waiting({ backorderSeconds: 1 }),
    })
    await backordered.result()
    expect(await timers(backordered)).toEqual([until('stock')])

    const shortages = [{ sku: 'MUG-WHITE', requested: 1, available: 0 }]
    saga.answers.reserveInventory = async () => ({ outcome: 'out_of_stock', shortages })
    const asked = await saga.start({ onShortage: 'ask', policy: waiting({ decisionSeconds: 1 }) })
    await asked.result()
    expect(await timers(asked)).toEqual([until('decision about the shortage')])
  })

  it('say that returned goods, and then the next try, are waited for', async () => {
    saga.answers.restock = failing('away')
    const handle = await saga.startReturn({
      policy: { stepAttempts: 1, compensationAttempts: 1, maximumIntervalSeconds: 1 },
    })
    await saga.update(handle, 'approve', { by: 'op' })
    const receiving = saga.update(handle, 'receive', { by: 'op', warehouse: 'AMS', disposition: 'restock' })
    // and then the next but one
    await vi.waitFor(
      async () =>
        expect((await timers(handle)).slice(0, 2)).toEqual([
          until('the returned goods'),
          until('an operator or the next try of restock'),
        ]),
      PATIENCE_MS,
    )
    await handle.terminate()
    await receiving.catch(() => {}) // ended with its workflow
  })
})
