import { describe, expect, test } from 'vitest'
import { attentionRaised } from './attention-raised.ts'
import { html } from './html.ts'
import type { Message } from './message.ts'
import { orderCancelled } from './order-cancelled.ts'
import { orderConfirmed } from './order-confirmed.ts'
import { orderPlaced } from './order-placed.ts'
import { orderRejected } from './order-rejected.ts'
import { shipmentDelivered } from './shipment-delivered.ts'
import { shipmentDispatched } from './shipment-dispatched.ts'

const EVIL = `<img src=x onerror="alert('1')">&\r\nBcc: thief@example.test`
const ESCAPED = '&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;&amp;'
const parcel = {
  name: EVIL,
  number: EVIL,
  carrier: EVIL,
  trackingNumber: EVIL,
  lines: [{ sku: EVIL, quantity: 2 }],
}

const EVERY_KIND: Record<string, Message> = {
  orderPlaced: orderPlaced({ name: EVIL, number: EVIL, total: 1990, currency: 'EUR' }),
  orderConfirmed: orderConfirmed({ name: EVIL, number: EVIL, total: 1990, currency: 'JPY' }),
  orderCancelled: orderCancelled({ name: EVIL, number: EVIL }),
  orderRejected: orderRejected({ name: EVIL, number: EVIL, reason: 'declined' }),
  shipmentDispatched: shipmentDispatched(parcel),
  shipmentDelivered: shipmentDelivered(parcel),
  attentionRaised: attentionRaised({ orderId: EVIL, step: EVIL, operation: EVIL, error: EVIL }),
}

describe.each(Object.entries(EVERY_KIND))('%s', (_, message) => {
  test('escapes every value in its HTML', () => {
    expect(message.html).not.toContain('<img')
    expect(message.html).toContain(ESCAPED)
    expect(message.html).not.toMatch(/undefined|\[object/)
  })

  test('lets no value begin a line of its own, in the subject or the text', () => {
    expect(message.subject).not.toMatch(/[\r\n]/)
    expect(message.text).not.toMatch(/^Bcc:/m)
    expect(message.text).toContain('Bcc: thief@example.test')
  })
})

describe('the words', () => {
  test("name amounts in the currency's own decimals", () => {
    expect(EVERY_KIND['orderPlaced']?.text).toContain('19.90 EUR')
    expect(EVERY_KIND['orderConfirmed']?.text).toContain('1990 JPY')
  })

  test.each([
    ['out_of_stock', 'not have the goods in stock'],
    ['declined', 'the payment was declined'],
    ['expired', 'did not come in time'],
  ])('say why for %s', (reason, words) => {
    expect(orderRejected({ name: 'Ann', number: '7', reason }).text).toContain(words)
  })

  test.each(['fraud', 'technical', 'toString', null])('do not say why for %s', (reason) => {
    expect(orderRejected({ name: 'Ann', number: '7', reason }).text).toContain(
      'could not accept your order 7.',
    )
  })

  test('leave out what is not known of a parcel', () => {
    const { text } = shipmentDispatched({
      ...parcel,
      name: 'Ann',
      number: '7',
      carrier: null,
      trackingNumber: null,
    })
    expect(text).toContain('has left our warehouse.')
    expect(text).not.toContain('tracking')
  })
})

describe('html', () => {
  test('inserts its own results as they are and everything else escaped', () => {
    expect(html`<b>${html`<i>${'<'}</i>`}${1}${'"'}</b>`.markup).toBe('<b><i>&lt;</i>1&quot;</b>')
  })
})
