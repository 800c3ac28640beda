import { describe, expect, test } from 'vitest'
import { actionNeeded } from './action-needed.ts'
import { attentionRaised } from './attention-raised.ts'
import { html } from './html.ts'
import type { Message } from './message.ts'
import { orderCancelled } from './order-cancelled.ts'
import { orderConfirmed } from './order-confirmed.ts'
import { orderPlaced } from './order-placed.ts'
import { orderRejected } from './order-rejected.ts'
import { orderRevised } from './order-revised.ts'
import { paymentRefunded } from './payment-refunded.ts'
import { returnApproved } from './return-approved.ts'
import { returnRefunded } from './return-refunded.ts'
import { returnRejected } from './return-rejected.ts'
import { shipmentDelivered } from './shipment-delivered.ts'
import { shipmentDispatched } from './shipment-dispatched.ts'
import { shipmentLost } from './shipment-lost.ts'

const EVIL = `<img src=x onerror="alert('1')">&\r\nBcc: thief@example.test`
const ESCAPED = '&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;'
const LINK = 'https://shop.example.test/orders/1'
const ann = { name: 'Ann', number: '7', link: LINK }

function everyKind(link: string | undefined, consoleUrl: string | undefined): Record<string, Message> {
  const evil = { name: EVIL, number: EVIL, link }
  const parcel = { ...evil, carrier: EVIL, trackingNumber: EVIL, lines: [{ sku: EVIL, quantity: 2 }] }
  const goods = { ...evil, lines: [{ sku: EVIL, quantity: 2 }], amount: 995, currency: 'EUR' }
  const trouble = { orderId: EVIL, number: EVIL, step: EVIL, operation: EVIL, error: EVIL }
  return {
    orderPlaced: orderPlaced({ ...evil, total: 1990, currency: 'EUR' }),
    actionNeeded: actionNeeded({ ...evil, reason: 'payment_action' }),
    orderConfirmed: orderConfirmed({ ...evil, total: 1990, currency: 'JPY' }),
    orderRevised: orderRevised({ ...evil, total: 995, currency: 'EUR' }),
    orderCancelled: orderCancelled(evil),
    orderRejected: orderRejected({ ...evil, reason: 'declined' }),
    shipmentDispatched: shipmentDispatched(parcel),
    shipmentDelivered: shipmentDelivered(parcel),
    shipmentLost: shipmentLost(parcel),
    paymentRefunded: paymentRefunded({ ...evil, amount: 995, currency: 'EUR' }),
    returnApproved: returnApproved(goods),
    returnRejected: returnRejected(goods),
    returnRefunded: returnRefunded(goods),
    attentionRaised: attentionRaised({ ...trouble, consoleUrl }),
  }
}

const EVERY_KIND = everyKind(LINK, 'https://shop.example.test/')

describe.each(Object.entries(EVERY_KIND))('%s', (_, message) => {
  test('escapes every value in its HTML', () => {
    expect(message.html).not.toContain('<img')
    expect(message.html).toContain(ESCAPED)
    expect(message.html).not.toMatch(/undefined|\[object/)
  })

  test('leads to the order', () => {
    expect(message.text).toMatch(/: https:\/\/shop\.example\.test\/orders\/\S+$/m)
    expect(message.html).toMatch(/<a href="https:\/\/shop\.example\.test\/orders\/[^"<>]+"/)
  })

  test('lets no value begin a line of its own, in the subject or the text', () => {
    expect(message.subject).not.toMatch(/[\r\n]/)
    expect(message.text).not.toMatch(/^Bcc:/m)
    expect(message.text).toContain('Bcc: thief@example.test')
  })
})

describe.each(Object.entries(everyKind(undefined, undefined)))('%s without a console', (_, message) => {
  test('leads nowhere and speaks of no page', () => {
    expect(message.html).not.toMatch(/<a |href|undefined|\bpage\b/)
    expect(message.text).not.toMatch(/https?:|undefined|\bpage\b/)
    expect(message.text).toMatch(/[.]\n\nMainstay\n$/)
  })
})

describe('the words', () => {
  test("name amounts in the currency's own decimals", () => {
    expect(EVERY_KIND['orderPlaced']?.text).toContain('19.90 EUR')
    expect(EVERY_KIND['orderConfirmed']?.text).toContain('1990 JPY')
  })

  test.each([
    ['shortage_decision', 'Please decide about your order 7', 'Decide what we do'],
    ['payment_action', 'Please approve the payment of your order 7', 'Approve the payment'],
    [
      'payment_method',
      'Please choose another payment method for your order 7',
      'Choose another payment method',
    ],
    ['constructor', 'Your order 7 waits for you', 'Answer'],
    [null, 'Your order 7 waits for you', 'Answer'],
  ])('ask the customer for %s', (reason, subject, invitation) => {
    const message = actionNeeded({ ...ann, reason, until: '2026-11-25T22:01:30.000Z' })
    expect(message.subject).toBe(subject)
    expect(message.text).toContain('The order waits until 25 November 2026 at 22:01 UTC; ')
    expect(actionNeeded({ ...ann, reason }).text).toContain('The page of your order says for how long')
    expect(message.text).toContain(`${invitation}: ${LINK}`)
  })

  test('tell what a refund and a return give back', () => {
    expect(paymentRefunded({ ...ann, amount: 995, currency: 'EUR' }).text).toContain('9.95 EUR')
    const settled = { ...ann, lines: [{ sku: 'MUG-WHITE', quantity: 2 }], currency: 'EUR' }
    expect(returnRefunded({ ...settled, amount: 995 }).text).toContain('9.95 EUR')
    expect(returnRefunded({ ...settled, amount: 0 }).text).not.toContain('EUR')
    const approved = returnApproved({ ...settled, amount: 0, until: '2026-11-25T22:01:30.000Z' }).text
    expect(approved).toContain('2 × MUG-WHITE')
    expect(approved).toContain('here by 25 November 2026 at 22:01 UTC.')
  })

  test.each([
    ['out_of_stock', 'not have the goods in stock'],
    ['declined', 'the payment was declined'],
    ['expired', 'did not come in time'],
  ])('say why for %s', (reason, words) => {
    expect(orderRejected({ ...ann, reason }).text).toContain(words)
  })

  test.each(['fraud', 'technical', 'toString', null])('do not say why for %s', (reason) => {
    expect(orderRejected({ ...ann, reason }).text).toContain('could not accept your order 7.')
  })

  test('leave out what is not known of a parcel', () => {
    const lines = [{ sku: 'MUG-WHITE', quantity: 2 }]
    const { text } = shipmentDispatched({ ...ann, lines, carrier: null, trackingNumber: null })
    expect(text).toContain('has left our warehouse.')
    expect(text).not.toContain('tracking')
  })
})

describe('html', () => {
  test('inserts its own results as they are and everything else escaped', () => {
    expect(html`<b>${html`<i>${'<'}</i>`}${1}${'"'}</b>`.markup).toBe('<b><i>&lt;</i>1&quot;</b>')
  })
})
