import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { secretOf, sign } from '#services/notifications/channels/webhooks/signature.ts'
import { verifyWebhook } from './verify.ts'

describe('the merchant’s side of a webhook', () => {
  const secret = secretOf('m'.repeat(32), 'endpoint')
  const body = '{"eventType":"order.created"}'
  const signedAt = (at: number) => ({ ...sign(secret, 'event-1', body, at) })

  test('takes what we sign, whichever of several signatures it is', () => {
    const headers = signedAt(Date.now())
    expect(verifyWebhook(secret, headers, body)).toBe(true)
    const both = { ...headers, 'webhook-signature': `v1,AAAA v1a,x ${headers['webhook-signature']}` }
    expect(verifyWebhook(secret, both, body)).toBe(true)
  })

  test('refuses other bytes, another id, another secret, and what is old, early or not signed', () => {
    const headers = signedAt(Date.now())
    expect(verifyWebhook(secret, headers, `${body} `)).toBe(false)
    expect(verifyWebhook(secret, { ...headers, 'webhook-id': 'event-2' }, body)).toBe(false)
    expect(verifyWebhook(secretOf('m'.repeat(32), 'other'), headers, body)).toBe(false)
    expect(verifyWebhook(secret, signedAt(Date.now() - 302_000), body)).toBe(false)
    expect(verifyWebhook(secret, signedAt(Date.now() + 302_000), body)).toBe(false)
    expect(verifyWebhook(secret, { ...headers, 'webhook-timestamp': 'soon' }, body)).toBe(false)
    expect(verifyWebhook(secret, {}, body)).toBe(false)
  })

  test('stands in the page as it is', async () => {
    const read = (file: string) => readFile(new URL(file, import.meta.url), 'utf8')
    expect(await read('../webhooks.md')).toContain(await read('verify.ts'))
  })
})
