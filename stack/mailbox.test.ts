import { connect } from 'node:net'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createMailbox, type Mailbox } from './mailbox.ts'
import { createMailStore } from './mailbox-store.ts'
import { freePorts } from './ports.ts'

let mailbox: Mailbox
let send: ReturnType<typeof createTransport>
let smtpPort: number

beforeAll(async () => {
  const ports = await freePorts()
  smtpPort = ports.smtp
  mailbox = createMailbox({ port: ports.mailbox, smtpPort })
  await mailbox.start()
  send = createTransport({ url: mailbox.smtpUrl, ignoreTLS: true })
})
afterAll(() => mailbox.stop())
beforeEach(() => mailbox.clear())

const mail = (more: Record<string, unknown> = {}) =>
  send.sendMail({
    from: 'shop@mainstay.test',
    to: 'ada@example.test',
    subject: 'Hello',
    text: 'Plain',
    ...more,
  })

const get = (path: string, headers: Record<string, string> = {}) =>
  fetch(`${mailbox.url}${path}`, { headers })

describe('mailbox', () => {
  test('what is sent by SMTP is listed for its recipient, newest first', async () => {
    await mail({ subject: 'First' })
    await mail({ subject: 'Second', to: 'Ada@example.test', bcc: 'eve@example.test' })
    await mail({ subject: 'Other', to: 'bob@example.test' })
    const answer = await (await get('/api/messages?to=ada@example.test')).json()
    expect(answer).toEqual({
      messages: [
        expect.objectContaining({
          subject: 'Second',
          from: 'shop@mainstay.test',
          to: ['Ada@example.test', 'eve@example.test'],
        }),
        expect.objectContaining({ subject: 'First', to: ['ada@example.test'] }),
      ],
    })
    expect(mailbox.messages('eve@example.test')).toHaveLength(1)
    expect(mailbox.messages()).toHaveLength(3)
  })

  test('one message holds its text, HTML, headers and attachments', async () => {
    await mail({
      html: '<p>Rich</p>',
      headers: { 'X-Order': 'o-1' },
      attachments: [{ filename: 'invoice.txt', content: 'total' }],
    })
    const { id } = mailbox.messages()[0]!
    expect(await (await get(`/api/messages/${id}`)).json()).toMatchObject({
      id,
      text: expect.stringContaining('Plain'),
      html: expect.stringContaining('<p>Rich</p>'),
      headers: { 'x-order': 'o-1' },
      attachments: [{ filename: 'invoice.txt', contentType: 'text/plain', bytes: 5 }],
    })
    expect((await get('/api/messages/unknown')).status).toBe(404)
  })

  test('what is sent as a text message is one by its id, and stands on the page as text', async () => {
    const text = (change: object = {}) =>
      fetch(`${mailbox.url}/sms`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          id: 't-1',
          from: 'Mainstay',
          to: '+447700900123',
          text: '<b>Hi</b>',
          ...change,
        }),
      })
    expect([(await text()).status, (await text({ text: 'again' })).status]).toEqual([201, 200])
    expect((await text({ id: 't-2', to: '+447700900456' })).status).toBe(201)
    expect((await text({ id: 't-3', to: '+15005550001' })).status).toBe(422)
    for (const wrong of [{ to: '0612345678' }, { text: '' }, { more: 1 }]) {
      expect((await text({ id: 't-4', ...wrong })).status).toBe(400)
    }
    expect(await (await get('/api/sms?to=%2B447700900123')).json()).toEqual({
      messages: [
        {
          id: 't-1',
          from: 'Mainstay',
          to: '+447700900123',
          text: '<b>Hi</b>',
          receivedAt: expect.any(String),
        },
      ],
    })
    expect(mailbox.texts().map(({ id }) => id)).toEqual(['t-2', 't-1'])
    const page = await (await get('/')).text()
    expect(page).toContain('&lt;b&gt;Hi&lt;/b&gt;')
    expect(page).not.toContain('<b>Hi')
    mailbox.clear()
    expect(mailbox.texts()).toEqual([])
  })

  test('DELETE empties it', async () => {
    await mail()
    expect((await fetch(`${mailbox.url}/api/messages`, { method: 'DELETE' })).status).toBe(204)
    expect(mailbox.messages()).toEqual([])
  })

  test('the page shows hostile text as text', async () => {
    await mail({ subject: '<script>alert(1)</script>' })
    const { id } = mailbox.messages()[0]!
    for (const path of ['/', `/messages/${id}`, `/?to=${encodeURIComponent('"><script>')}`]) {
      const page = await get(path)
      expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'/)
      expect(await page.text()).not.toContain('<script>')
    }
  })

  test("a mail's HTML is shown in a sandboxed frame under a policy that runs and loads nothing", async () => {
    await mail({
      html: '<img src="https://tracker.example/x.gif"><script>alert(1)</script><a href="https://a.test">go</a>',
    })
    const { id } = mailbox.messages()[0]!
    expect(await (await get(`/messages/${id}`)).text()).toMatch(
      new RegExp(`<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" src="/messages/${id}/html"`),
    )
    expect(await (await get(`/messages/${id}?view=text`)).text()).not.toContain('<iframe')
    const frame = await get(`/messages/${id}/html`)
    const policy = frame.headers.get('content-security-policy')
    expect(policy).toMatch(
      /^default-src 'none'; style-src 'unsafe-inline'; img-src data:;.* sandbox allow-popups/,
    )
    expect(policy).not.toMatch(/allow-scripts|allow-same-origin/)
    expect(await frame.text()).toContain('<base target="_blank">')
  })

  test('a request for another host name is refused', async () => {
    const status = await new Promise((resolve) => {
      const socket = connect(Number(new URL(mailbox.url).port), '127.0.0.1')
      socket.end('GET /api/messages HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n')
      socket.once('data', (data) => resolve(data.toString().split('\r\n')[0]))
    })
    expect(status).toBe('HTTP/1.1 403 Forbidden')
  })

  test('a request from a page of another site is refused', async () => {
    const headers = { origin: 'https://evil.example' }
    expect((await fetch(`${mailbox.url}/api/messages`, { method: 'DELETE', headers })).status).toBe(403)
  })

  test('stopped it refuses mail, started again it receives and has kept what it had', async () => {
    await mail()
    await mailbox.stop()
    await expect(mail()).rejects.toMatchObject({ code: 'ESOCKET' })
    await mailbox.start()
    await mail()
    expect(mailbox.messages()).toHaveLength(2)
  })

  test('a client that breaks off in the middle of a mail leaves nothing and harms nobody', async () => {
    const socket = connect(smtpPort, '127.0.0.1')
    socket.write('HELO x\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\nSubject: half')
    await new Promise((resolve) => setTimeout(resolve, 100))
    socket.resetAndDestroy()
    await mail({ subject: 'whole' })
    expect(mailbox.messages().map(({ subject }) => subject)).toEqual(['whole'])
  })
})

describe('createMailStore', () => {
  test('keeps the last mails only', () => {
    const store = createMailStore(2)
    const parsed = { headerLines: [], attachments: [], html: false as const, headers: new Map() }
    for (const subject of ['a', 'b', 'c']) store.add({ ...parsed, subject }, { from: '', to: [] })
    expect(store.list().map(({ subject }) => subject)).toEqual(['c', 'b'])
  })
})
