import type { WorkflowHandle } from '@temporalio/client'
import { describe, expect, it } from 'vitest'
import type { AmendResult, OrderTerms } from '#contracts/workflows.ts'
import { failing, openSaga, waiting } from '#tests/support/saga.ts'

const saga = openSaga()
const { calls } = saga

/** Mugs for 10 each, with tax, and 5 of shipping. */
const terms = (quantity: number): OrderTerms => ({
  lines: [{ sku: 'MUG-WHITE', quantity, total: quantity * 800, tax: quantity * 200 }],
  shipping: 400,
  shippingTax: 100,
  total: quantity * 1000 + 500,
})

/** What each amendment makes of the order, by its id. */
const AMENDMENTS: Record<string, OrderTerms> = { more: terms(3), less: terms(1), most: terms(5) }

function quotes(): void {
  saga.answers.quoteAmendment = async ({ amendmentId }) => ({
    outcome: 'possible',
    terms: AMENDMENTS[amendmentId] ?? terms(2),
    linesChanged: amendmentId in AMENDMENTS,
  })
}

const WINDOW = waiting({ amendmentSeconds: 4 })

const amend = (handle: WorkflowHandle, amendmentId: string): Promise<AmendResult> =>
  saga.update(handle, 'amend', { amendmentId, by: 'customer' })

async function confirmed() {
  quotes()
  const handle = await saga.start({ policy: WINDOW })
  await saga.reaches(handle, 'confirmed')
  return handle
}

async function ends(handle: WorkflowHandle) {
  await saga.deliver()
  return handle.result()
}

const between = (from: string, to: string) => calls.slice(calls.indexOf(from) + 1, calls.lastIndexOf(to))

describe('an amendment', () => {
  it('that raises the total authorizes the whole new total before it voids the old authorization', async () => {
    const handle = await confirmed()
    expect(await amend(handle, 'more')).toEqual({ outcome: 'applied' })
    await ends(handle)
    expect(between('recordProgress:amending', 'recordProgress:confirmed')).toEqual([
      'quoteAmendment',
      'authorizePayment',
      'reserveInventory',
      'applyAmendment',
      'keepAuthorization',
    ])
    expect(saga.asks('authorizePayment').at(-1)).toMatchObject({ request: 2, amount: 3500 })
    expect(saga.asks('reserveInventory').at(-1)).toMatchObject({
      request: 2,
      onShortage: 'refuse',
      lines: [{ sku: 'MUG-WHITE', quantity: 3 }],
    })
    expect(saga.asks('keepAuthorization')).toMatchObject([{ request: 2 }])
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 3000, shipping: 500 }])
    expect(calls).not.toContain('voidPayment')
  })

  it('that lowers the total keeps the authorization, and what is not captured goes back', async () => {
    const handle = await confirmed()
    expect(await amend(handle, 'less')).toEqual({ outcome: 'applied' })
    await ends(handle)
    expect(saga.asks('authorizePayment')).toHaveLength(1)
    expect(calls).not.toContain('keepAuthorization')
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 1000, shipping: 500 }])
    expect(calls.slice(-2)).toEqual(['voidPayment', 'recordProgress:completed'])
  })

  it('of the address alone touches neither stock nor money', async () => {
    const handle = await confirmed()
    expect(await amend(handle, 'address')).toEqual({ outcome: 'applied' })
    await ends(handle)
    expect(between('recordProgress:amending', 'recordProgress:confirmed')).toEqual([
      'quoteAmendment',
      'applyAmendment',
    ])
  })

  it('whose quote is refused changes nothing', async () => {
    const handle = await confirmed()
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
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 2000, shipping: 500 }])
    expect(calls).not.toContain('applyAmendment')
  })

  it.each([
    ['declined', { outcome: 'declined', code: 'card_declined' }],
    ['to be approved at the bank', { outcome: 'requires_action', url: 'https://bank.test' }],
  ] as const)('whose payment is %s changes nothing', async (_name, answer) => {
    const handle = await confirmed()
    saga.answers.authorizePayment = async () => answer
    expect(await amend(handle, 'more')).toMatchObject({ outcome: 'refused', code: 'amendment_refused' })
    await ends(handle)
    expect(saga.asks('keepAuthorization')).toMatchObject([{ request: 1 }])
    expect(saga.asks('reserveInventory')).toHaveLength(1)
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 2000, shipping: 500 }])
    expect(calls).not.toContain('applyAmendment')
  })

  it('that stock does not cover gives the new authorization back', async () => {
    const handle = await confirmed()
    saga.answers.reserveInventory = async () => ({
      outcome: 'out_of_stock',
      shortages: [{ sku: 'MUG-WHITE', requested: 3, available: 0 }],
    })
    expect(await amend(handle, 'more')).toMatchObject({ outcome: 'refused', code: 'insufficient_stock' })
    await ends(handle)
    expect(saga.asks('keepAuthorization')).toMatchObject([{ request: 1 }])
    expect(saga.asks('reserveInventory')).toHaveLength(2)
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 2000, shipping: 500 }])
  })

  it('whose reservation fails for good asks for the old lines by a later request', async () => {
    const handle = await confirmed()
    const reserve = saga.answers.reserveInventory
    saga.answers.reserveInventory = (input) =>
      input.request === 2 ? failing('the database is away')() : reserve(input)
    expect(await amend(handle, 'more')).toMatchObject({ outcome: 'refused', code: 'amendment_refused' })
    await ends(handle)
    expect(saga.asks('reserveInventory').at(-1)).toMatchObject({ request: 3, lines: [{ quantity: 2 }] })
    expect(saga.asks('keepAuthorization')).toMatchObject([{ request: 1 }])
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 2000, shipping: 500 }])
  })

  it('that cannot be undone is an operator’s', async () => {
    const handle = await confirmed()
    const reserve = saga.answers.reserveInventory
    let gone = true
    saga.answers.reserveInventory = (input) => {
      if (input.request === 2) return failing('the database is away')()
      return gone ? Promise.resolve({ outcome: 'out_of_stock', shortages: [] }) : reserve(input)
    }
    const amended = amend(handle, 'more')
    await saga.isAsked(handle, 'compensate')
    gone = false
    await saga.operate(handle, 'retry')
    expect(await amended).toMatchObject({ outcome: 'refused' })
    await ends(handle)
  })

  it('that is applied in all but name is applied, however long that takes', async () => {
    const handle = await confirmed()
    saga.answers.applyAmendment = failing('the database is away')
    const amended = amend(handle, 'more')
    await saga.isAsked(handle, 'applyAmendment')
    saga.answers.applyAmendment = async () => {}
    await saga.operate(handle, 'retry')
    expect(await amended).toEqual({ outcome: 'applied' })
    await ends(handle)
    expect(saga.asks('capturePayment')).toMatchObject([{ amount: 3000, shipping: 500 }])
  })

  it('waits for the one before it, and builds on it', async () => {
    const handle = await confirmed()
    const results = await Promise.all([amend(handle, 'more'), amend(handle, 'most')])
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
    const amended = amend(handle, 'more')
    authorize()
    expect(await amended).toEqual({ outcome: 'applied' })
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
    const amended = amend(handle, 'more')
    decline()
    expect(await amended).toMatchObject({ outcome: 'refused', code: 'order_not_amendable' })
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

  it('authorizes its parcels once they are known', async () => {
    splitAndCapturedOnce()
    const handle = await saga.start({ policy: WINDOW })
    await saga.reaches(handle, 'confirmed')
    expect(await amend(handle, 'more')).toEqual({ outcome: 'applied' })
    await saga.deliver(2)
    await handle.result()
    expect(asked()).toEqual([[1500, 1000], [], [1500, 2000]])
    expect(saga.asks('keepAuthorization')).toMatchObject([{ request: 3 }])
  })

  it('keeps the authorization that covers them', async () => {
    splitAndCapturedOnce()
    const handle = await saga.start({ policy: WINDOW })
    await saga.reaches(handle, 'confirmed')
    expect(await amend(handle, 'less')).toEqual({ outcome: 'applied' })
    await saga.deliver(1)
    await handle.result()
    expect(asked()).toEqual([[1500, 1000]])
  })

  it('is undone when they are declined', async () => {
    splitAndCapturedOnce()
    const handle = await saga.start({ policy: WINDOW })
    await saga.reaches(handle, 'confirmed')
    const authorize = saga.answers.authorizePayment
    saga.answers.authorizePayment = async (input) =>
      input.request === 3 ? { outcome: 'declined', code: 'card_declined' } : authorize(input)
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
    quotes()
    const handle = await saga.start({ policy: { ...WINDOW, continueAfterEvents: 30 } })
    await saga.reaches(handle, 'confirmed')
    const { runId } = await handle.describe()
    const continued = saga.client.workflow.getHandle(handle.workflowId)
    expect(await amend(handle, 'more')).toEqual({ outcome: 'applied' })
    await expect.poll(async () => (await continued.describe()).runId, { timeout: 10_000 }).not.toBe(runId)
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
