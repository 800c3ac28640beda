import { describe, expect, it } from 'vitest'
import { openAmendments } from '#tests/support/amendments.ts'
import { failing, openSaga, PATIENCE_MS, waiting } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls } = saga
const { quotes, amend, amendable, ends } = openAmendments(saga)

const AMS = (quantity: number) => ({ warehouse: 'AMS', lines: [{ sku: 'MUG-WHITE', quantity }] })

const between = (from: string, to: string) => calls.slice(calls.indexOf(from) + 1, calls.lastIndexOf(to))

describe('an amendment', () => {
  it('that raises the total holds its stock, and authorizes the whole new total before it voids the old authorization', async () => {
    const handle = await amendable()
    expect(await amend(handle, 'more')).toEqual({ outcome: 'applied' })
    await ends(handle)
    expect(between('recordProgress:amending', 'recordProgress:confirmed')).toEqual([
      'quoteAmendment',
      'screenCustomer',
      'reserveInventory',
      'authorizePayment',
      'applyAmendment',
      'keepAuthorization',
    ])
    expect(saga.asks('authorizePayment').at(-1)).toMatchObject({ request: 2, amount: 3500 })
    expect(saga.asks('reserveInventory').at(-1)).toMatchObject({
      request: 2,
      onShortage: 'refuse',
      keepPrevious: true,
      lines: [{ sku: 'MUG-WHITE', quantity: 3 }],
    })
    expect(saga.asks('keepAuthorization')).toMatchObject([{ request: 2 }])
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 3000, shipping: 500 }])
    expect(calls).not.toContain('voidPayment')
  })

  it('that lowers the total keeps the authorization, and what is not captured goes back', async () => {
    const handle = await amendable()
    expect(await amend(handle, 'less')).toEqual({ outcome: 'applied' })
    await ends(handle)
    expect(saga.asks('authorizePayment')).toHaveLength(1)
    expect(calls).not.toContain('keepAuthorization')
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 1000, shipping: 500 }])
    // what the order had is kept for it until it is another one, and then is anybody's
    const [, both, rest] = saga.asks('reserveInventory')
    expect(both).toMatchObject({ request: 2, lines: [{ quantity: 1 }], keepPrevious: true })
    expect(rest).toMatchObject({ request: 3, lines: [{ quantity: 1 }], from: [AMS(1)] })
    expect(rest).not.toHaveProperty('keepPrevious')
    expect(calls.lastIndexOf('reserveInventory')).toBeGreaterThan(calls.indexOf('applyAmendment'))
    expect(calls.slice(-2)).toEqual(['voidPayment', 'recordProgress:completed'])
  })

  it('of the address alone touches neither stock nor money', async () => {
    const handle = await amendable()
    expect(await amend(handle, 'address')).toEqual({ outcome: 'applied' })
    await ends(handle)
    expect(between('recordProgress:amending', 'recordProgress:confirmed')).toEqual([
      'quoteAmendment',
      'applyAmendment',
    ])
  })

  it('whose quote is refused changes nothing', async () => {
    const handle = await amendable()
    saga.answers.quoteAmendment = async () => ({
      outcome: 'refused',
      code: 'product_inactive',
      message: 'not for sale',
    })
    expect(await amend(handle, 'more')).toEqual({
      outcome: 'refused',
      code: 'product_inactive',
      message: 'not for sale',
    })
    expect(saga.asks('refuseAmendment')).toMatchObject([{ amendmentId: 'more', code: 'product_inactive' }])
    await ends(handle)
    const told = saga.asks('recordProgress').flatMap(({ steps }) => steps)
    expect(told.filter(({ name }) => name === 'amendOrder')).toMatchObject([
      { status: 'refused', detail: 'not for sale' },
    ])
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 2000, shipping: 500 }])
    expect(calls).not.toContain('applyAmendment')
  })

  it('whose surplus cannot be given back is the order all the same, and an operator’s', async () => {
    const handle = await amendable()
    const reserve = saga.answers.reserveInventory
    saga.answers.reserveInventory = async (input) => {
      if (input.request === 3) throw new Error('the database is away')
      return reserve(input)
    }
    const amended = amend(handle, 'less')
    await saga.isAsked(handle, 'keepReservation')
    await saga.operate(handle, 'retry')
    expect(await amended).toEqual({ outcome: 'applied' })
    await ends(handle)
    expect(saga.asks('reserveInventory').at(-1)).toMatchObject({ request: 4, from: [AMS(1)] })
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 1000, shipping: 500 }])
  })

  it.each([
    ['declined', { outcome: 'declined', code: 'card_declined' }],
    ['to be approved at the bank', { outcome: 'requires_action', url: 'https://bank.test' }],
  ] as const)('whose payment is %s changes nothing', async (_name, answer) => {
    const handle = await amendable()
    saga.answers.authorizePayment = async () => answer
    expect(await amend(handle, 'more')).toMatchObject({ outcome: 'refused', code: 'amendment_refused' })
    await ends(handle)
    expect(saga.asks('keepAuthorization')).toMatchObject([{ request: 1, givenUp: 2 }])
    // its stock was kept for it beside the new one, and is its own again from where it was
    const [, both, back] = saga.asks('reserveInventory')
    expect(both).toMatchObject({ request: 2, lines: [{ quantity: 3 }], keepPrevious: true })
    expect(back).toMatchObject({ request: 3, lines: [{ quantity: 2 }], from: [AMS(2)] })
    expect(back).not.toHaveProperty('keepPrevious')
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 2000, shipping: 500 }])
    expect(calls).not.toContain('applyAmendment')
  })

  it('that stock does not cover never reaches the customer’s bank', async () => {
    const handle = await amendable()
    saga.answers.reserveInventory = async () => ({
      outcome: 'out_of_stock',
      shortages: [{ sku: 'MUG-WHITE', requested: 3, available: 0 }],
    })
    expect(await amend(handle, 'more')).toMatchObject({ outcome: 'refused', code: 'insufficient_stock' })
    await ends(handle)
    expect(between('recordProgress:amending', 'refuseAmendment')).toEqual([
      'quoteAmendment',
      'screenCustomer',
      'reserveInventory',
      'releaseScreening',
    ])
    expect(saga.asks('authorizePayment')).toHaveLength(1)
    expect(calls).not.toContain('keepAuthorization')
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 2000, shipping: 500 }])
  })

  it('whose reservation fails for good asks for the old lines by a later request', async () => {
    const handle = await amendable()
    const reserve = saga.answers.reserveInventory
    saga.answers.reserveInventory = (input) =>
      input.request === 2 ? failing('the database is away')() : reserve(input)
    expect(await amend(handle, 'more')).toMatchObject({ outcome: 'refused', code: 'amendment_refused' })
    await ends(handle)
    expect(saga.asks('reserveInventory').at(-1)).toMatchObject({
      request: 3,
      lines: [{ quantity: 2 }],
      from: [AMS(2)],
    })
    expect(saga.asks('authorizePayment')).toHaveLength(1)
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 2000, shipping: 500 }])
  })

  it('that cannot be undone is an operator’s', async () => {
    const handle = await amendable()
    const reserve = saga.answers.reserveInventory
    let gone = true
    saga.answers.reserveInventory = (input) => {
      if (input.request === 2) return failing('the database is away')()
      return gone ? Promise.resolve({ outcome: 'out_of_stock', shortages: [] }) : reserve(input)
    }
    const amended = amend(handle, 'more')
    await saga.isAsked(handle, 'compensate', 1)
    gone = false
    await saga.operate(handle, 'retry')
    expect(await amended).toMatchObject({ outcome: 'refused' })
    await ends(handle)
  })

  it('that is applied in all but name is applied, however long that takes', async () => {
    const handle = await amendable()
    saga.answers.applyAmendment = failing('the database is away')
    const amended = amend(handle, 'more')
    await saga.isAsked(handle, 'applyAmendment')
    saga.answers.applyAmendment = async () => {}
    await saga.operate(handle, 'retry')
    expect(await amended).toEqual({ outcome: 'applied' })
    await ends(handle)
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 3000, shipping: 500 }])
  })
})

describe('an amendment whose provider captures an authorization only once', () => {
  /** Two warehouses, and what is authorized is captured once. */
  function splitAndCapturedOnce(): void {
    quotes()
    saga.answers.reserveInventory = async ({ lines: [line] }) => ({
      outcome: 'held',
      allocations: [
        { warehouse: 'AMS', lines: [{ sku: 'MUG-WHITE', quantity: 1 }] },
        { warehouse: 'LJU', lines: [{ sku: 'MUG-WHITE', quantity: line!.quantity - 1 }] },
      ].filter(({ lines: [sent] }) => sent!.quantity > 0),
      expiresAt: '',
    })
    saga.answers.authorizePayment = async () => ({
      outcome: 'authorized',
      paymentId: 'p',
      capturedOnce: true,
    })
  }

  const asked = () => saga.asks('authorizePayment').map(({ parts = [] }) => parts.map(({ amount }) => amount))

  it('authorizes its parcels, which its stock tells, at once', async () => {
    splitAndCapturedOnce()
    const handle = await amendable()
    expect(await amend(handle, 'more')).toEqual({ outcome: 'applied' })
    await saga.deliver(2)
    await handle.result()
    expect(asked()).toEqual([
      [1500, 1000],
      [1500, 2000],
    ])
    expect(saga.asks('keepAuthorization')).toMatchObject([{ request: 2 }])
  })

  it('keeps the authorization that covers them', async () => {
    splitAndCapturedOnce()
    const handle = await amendable()
    expect(await amend(handle, 'less')).toEqual({ outcome: 'applied' })
    await saga.deliver(1)
    await handle.result()
    expect(asked()).toEqual([[1500, 1000]])
  })

  it('is undone when they are declined', async () => {
    splitAndCapturedOnce()
    const handle = await amendable()
    const authorize = saga.answers.authorizePayment
    saga.answers.authorizePayment = async (input) =>
      input.request === 2 ? { outcome: 'declined', code: 'card_declined' } : authorize(input)
    expect(await amend(handle, 'more')).toMatchObject({ outcome: 'refused', code: 'amendment_refused' })
    await saga.deliver(2)
    await handle.result()
    expect(saga.asks('reserveInventory').at(-1)).toMatchObject({ request: 3, lines: [{ quantity: 2 }] })
    expect(saga.asks('keepAuthorization').at(-1)).toMatchObject({ request: 1 })
    expect(saga.asks('capturePayment').reduce((sum, { amount }) => sum + amount, 0)).toBe(2000)
  })
})

describe('the time for amendments', () => {
  it('continues as a new run when its history has grown, and sells what was amended', async () => {
    // long enough for the amendment of the second run, and then waited out
    const handle = await amendable({ ...waiting({ amendmentSeconds: 15 }), continueAfterEvents: 30 })
    const { runId } = await handle.describe()
    const continued = saga.client.workflow.getHandle(handle.workflowId)
    expect(await amend(handle, 'more')).toEqual({ outcome: 'applied' })
    await expect
      .poll(async () => (await continued.describe()).runId, { timeout: PATIENCE_MS })
      .not.toBe(runId)
    await expect(amend(continued, 'most')).resolves.toEqual({ outcome: 'applied' })
    await saga.deliver()
    expect(await continued.result()).toMatchObject({ status: 'completed' })
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 5000, shipping: 500 }])
    expect(calls.filter((call) => call === 'commitReservation')).toHaveLength(1)
  })

  it('leaves nothing in the history of an order that has none', async () => {
    const handle = await saga.start({ policy: waiting() })
    await ends(handle)
    const { events } = await handle.fetchHistory()
    expect(events?.filter((event) => event.timerStartedEventAttributes)).toEqual([])
  })
})
