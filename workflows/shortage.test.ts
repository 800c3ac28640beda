import { describe, expect, it } from 'vitest'
import type { StockAnswer } from '#activities/inventory.ts'
import { openSaga, PATIENCE_MS, waiting } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls } = saga

const LINE = { sku: 'MUG-WHITE', quantity: 2, total: 1600, tax: 400 }

const short = (available: number) => [{ sku: 'MUG-WHITE', requested: 2, available }]

const held = (quantity: number): StockAnswer => ({
  outcome: 'held',
  allocations: [{ warehouse: 'AMS', lines: [{ sku: 'MUG-WHITE', quantity }] }],
  expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
  ...(quantity < 2 ? { shortages: short(quantity) } : {}),
})

/** Stock of which so much is there, as the inventory answers. */
function stock(available: { units: number }): void {
  saga.answers.reserveInventory = async ({ onShortage = 'refuse' }) => {
    const { units } = available
    if (units >= 2 || (onShortage === 'take_available' && units > 0)) return held(Math.min(2, units))
    return { outcome: onShortage === 'backorder' ? 'backordered' : 'out_of_stock', shortages: short(units) }
  }
}

const requests = () => saga.asks('reserveInventory').map(({ request, onShortage }) => [request, onShortage])

const decide = (handle: Parameters<typeof saga.update>[0], decision: string) =>
  saga.update(handle, 'decide', { decision, by: 'customer' })

describe('an order that asks about a shortage', () => {
  it('ships what is available when its customer says so, and costs only that', async () => {
    stock({ units: 1 })
    const handle = await saga.start({ onShortage: 'ask', policy: waiting(), lines: [LINE] })
    await saga.reaches(handle, 'awaiting_customer', 'shortage_decision')
    await decide(handle, 'ship_available')
    await saga.deliver()
    expect(await handle.result()).toMatchObject({ status: 'completed' })
    expect(requests()).toEqual([
      [1, 'refuse'],
      [2, 'take_available'],
    ])
    expect(saga.asks('reviseOrder')).toMatchObject([
      { revision: 1, lines: [{ sku: 'MUG-WHITE', quantity: 1 }] },
    ])
    expect(saga.asks('authorizePayment')).toMatchObject([{ amount: 1500, parts: [{ amount: 1500 }] }])
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 1000, shipping: 500 }])
    expect(calls).not.toContain('voidPayment')
  })

  it('tells its row what it waits for, and that it waits no more', async () => {
    stock({ units: 1 })
    const handle = await saga.start({ onShortage: 'ask', policy: waiting() })
    await saga.reaches(handle, 'awaiting_customer', 'shortage_decision')
    await decide(handle, 'ship_available')
    await saga.reaches(handle, 'fulfilling')
    const told = saga.asks('recordProgress').map(({ status, waitingFor }) => [status, waitingFor])
    expect(told.slice(1, 4)).toEqual([
      ['awaiting_customer', { what: 'shortage_decision', until: expect.any(String) }],
      ['reserving', null],
      ['authorizing', undefined],
    ])
    await saga.deliver()
    await handle.result()
  })

  it('is cancelled when its customer says so', async () => {
    stock({ units: 1 })
    const handle = await saga.start({ onShortage: 'ask', policy: waiting() })
    await saga.reaches(handle, 'awaiting_customer')
    await decide(handle, 'cancel')
    await handle.result().catch(() => {})
    expect((await handle.describe()).status.name).toBe('CANCELLED')
    expect(calls).not.toContain('authorizePayment')
    expect(calls.slice(-4)).toEqual([
      'recordProgress:cancelling',
      'releaseScreening',
      'releaseReservation',
      'recordProgress:cancelled',
    ])
  })

  it('expires when no decision comes in time', async () => {
    stock({ units: 1 })
    const handle = await saga.start({ onShortage: 'ask', policy: waiting({ decisionSeconds: 1 }) })
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'expired' })
    expect(calls.slice(-3)).toEqual(['releaseScreening', 'releaseReservation', 'recordProgress:rejected'])
  })

  it('refuses to ship what is available when nothing is, and decisions that nobody asked for', async () => {
    stock({ units: 0 })
    const handle = await saga.start({ onShortage: 'ask', policy: waiting() })
    await saga.reaches(handle, 'awaiting_customer')
    await expect(decide(handle, 'ship_available')).rejects.toMatchObject({
      cause: { type: 'decision_not_possible' },
    })
    await decide(handle, 'wait')
    await saga.reaches(handle, 'reserving', 'stock')
    await expect(decide(handle, 'wait')).rejects.toMatchObject({ cause: { type: 'no_decision_waiting' } })
    await saga.update(handle, 'cancel', { by: 'customer', reason: null })
    await handle.result().catch(() => {})
    const { events } = await handle.fetchHistory()
    expect(events?.filter((event) => event.workflowExecutionUpdateAcceptedEventAttributes)).toHaveLength(2)
  })

  it('is not asked when the screening refuses its customer', async () => {
    stock({ units: 1 })
    saga.answers.screenCustomer = async () => ({ outcome: 'refused', code: 'spending_limit' })
    const handle = await saga.start({ onShortage: 'ask', policy: waiting() })
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'fraud' })
  })
})

describe('a backorder', () => {
  it('goes on when the stock is held for it', async () => {
    const available = { units: 0 }
    stock(available)
    const handle = await saga.start({ onShortage: 'backorder', policy: waiting() })
    await saga.reaches(handle, 'reserving', 'stock')
    available.units = 2
    await handle.signal('stockHeld', { orderId: 'o' })
    await saga.deliver()
    expect(await handle.result()).toMatchObject({ status: 'completed' })
    expect(requests()).toEqual([
      [1, 'backorder'],
      [1, 'backorder'],
    ])
    expect(calls).not.toContain('reviseOrder')
  })

  it('goes on waiting when the word was premature', async () => {
    const available = { units: 0 }
    stock(available)
    const handle = await saga.start({ onShortage: 'backorder', policy: waiting() })
    await saga.reaches(handle, 'reserving', 'stock')
    await handle.signal('stockHeld', { orderId: 'o' })
    await saga.called('reserveInventory', 2)
    expect(await handle.query('progress')).toMatchObject({
      status: 'reserving',
      waitingFor: { what: 'stock' },
    })
    available.units = 2
    await handle.signal('stockHeld', { orderId: 'o' })
    await saga.deliver()
    expect(await handle.result()).toMatchObject({ status: 'completed' })
  })

  it('looks once more at the end, and expires when there is still nothing', async () => {
    stock({ units: 0 })
    const handle = await saga.start({ onShortage: 'backorder', policy: waiting({ backorderSeconds: 1 }) })
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'expired' })
    expect(requests()).toHaveLength(2)
    expect(calls.slice(-3)).toEqual(['releaseScreening', 'releaseReservation', 'recordProgress:rejected'])
  })

  it('can be cancelled while it waits', async () => {
    stock({ units: 0 })
    const handle = await saga.start({ onShortage: 'backorder', policy: waiting() })
    await saga.reaches(handle, 'reserving', 'stock')
    await saga.update(handle, 'cancel', { by: 'customer', reason: null })
    await handle.result().catch(() => {})
    expect((await handle.describe()).status.name).toBe('CANCELLED')
    expect(calls).toContain('releaseReservation')
  })

  it('continues as a new run when its history has grown, and forgets nothing', async () => {
    const available = { units: 0 }
    stock(available)
    const handle = await saga.start({
      onShortage: 'backorder',
      policy: { ...waiting(), continueAfterEvents: 5 },
    })
    await saga.reaches(handle, 'reserving', 'stock')
    const { runId } = await handle.describe()
    await handle.signal('stockHeld', { orderId: 'o' })
    const continued = saga.client.workflow.getHandle(handle.workflowId)
    await expect
      .poll(async () => (await continued.describe()).runId, { timeout: PATIENCE_MS })
      .not.toBe(runId)
    await saga.reaches(continued, 'reserving', 'stock')
    saga.answers.authorizePayment = async () => ({ outcome: 'declined', code: 'card_declined' })
    available.units = 2
    await continued.signal('stockHeld', { orderId: 'o' })
    await saga.reaches(continued, 'awaiting_customer', 'payment_method')
    await saga.update(continued, 'cancel', { by: 'customer', reason: null })
    await continued.result().catch(() => {})
    expect(calls.filter((call) => call === 'screenCustomer')).toHaveLength(1)
    expect(calls.slice(-5)).toEqual([
      'recordProgress:cancelling',
      'voidPayment',
      'releaseScreening',
      'releaseReservation',
      'recordProgress:cancelled',
    ])
    const sequences = saga
      .asks('recordProgress')
      .flatMap(({ steps }) => steps.map(({ sequence }) => sequence))
    expect(sequences).toEqual(sequences.map((_, index) => index + 1))
    const moves = saga
      .asks('recordProgress')
      .filter(({ status }) => status !== undefined)
      .map(({ move }) => move)
    expect(moves).toMatchObject(moves.map((_, index) => ({ chain: runId, number: index + 1 })))
    expect(new Set(moves.map((move) => move?.run))).toEqual(
      new Set([runId, (await continued.describe()).runId]),
    )
  })
})

describe('the word that stock has come', () => {
  it('is not lost when it comes just before the run continues as another', async () => {
    const available = { units: 0 }
    stock(available)
    const answer = saga.answers.reserveInventory
    const handle = await saga.start({
      onShortage: 'backorder',
      policy: { ...waiting(), continueAfterEvents: 5 },
    })
    await saga.reaches(handle, 'reserving', 'stock')
    saga.answers.reserveInventory = async (input) => {
      const nothing = await answer(input)
      available.units = 2
      await saga.client.workflow.getHandle(handle.workflowId).signal('stockHeld', { orderId: 'o' })
      saga.answers.reserveInventory = answer
      return nothing
    }
    const { runId } = await handle.describe()
    await handle.signal('stockHeld', { orderId: 'o' })
    await saga.deliver()
    const continued = saga.client.workflow.getHandle(handle.workflowId)
    expect(await continued.result()).toMatchObject({ status: 'completed' })
    expect((await continued.describe()).runId).not.toBe(runId)
    expect(requests()).toHaveLength(3)
  })
})

describe('an order that ships what is available', () => {
  it('is rejected when nothing is', async () => {
    stock({ units: 0 })
    const handle = await saga.start({ onShortage: 'ship_available', policy: waiting() })
    expect(await handle.result()).toEqual({ status: 'rejected', reason: 'out_of_stock' })
    expect(calls).not.toContain('reviseOrder')
  })

  it('gives the stock back when it cannot be revised', async () => {
    stock({ units: 1 })
    saga.answers.reviseOrder = async () => {
      throw new Error('the database is away')
    }
    const handle = await saga.start({ onShortage: 'ship_available', policy: waiting() })
    await expect(handle.result()).rejects.toMatchObject({ cause: { details: [{ step: 'reviseOrder' }] } })
    expect(calls.slice(-3)).toEqual(['releaseScreening', 'releaseReservation', 'recordProgress:rejected'])
  })
})
