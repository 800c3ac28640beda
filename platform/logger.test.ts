import { describe, expect, it } from 'vitest'
import { createLogger } from './logger.ts'
import { continueTrace, withTrace } from './trace.ts'

function capture(): {
  lines: () => Record<string, unknown>[]
  text: () => string
  destination: { write(text: string): void }
} {
  let text = ''
  return {
    destination: { write: (chunk) => (text += chunk) },
    text: () => text,
    lines: () =>
      text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
  }
}

const SECRETS: Record<string, unknown> = {
  password: 'leak-1',
  secret: 'leak-2',
  token: 'leak-3',
  accessToken: 'leak-4',
  refreshToken: 'leak-5',
  apiKey: 'leak-6',
  authorization: 'Bearer leak-7',
  cookie: 'leak-8',
  'set-cookie': 'leak-9',
  'x-api-key': 'leak-10',
  email: 'leak-11@example.com',
  name: 'leak-12',
  shippingAddress: { line1: 'leak-13', city: 'leak-14' },
  shipping_address: { city: 'leak-15' },
  address: { city: 'leak-16' },
  line1: 'leak-17',
  postalCode: 'leak-18',
  signature: 'leak-19',
  phone: 'leak-20',
  DATABASE_URL: 'postgres://leak-21',
  PAYLOAD_KEYS: 'leak-22',
  SERVICE_SIGNING_KEY: 'leak-23',
}

describe('createLogger', () => {
  it.each([0, 1, 2, 3])('redacts secrets, tokens and addresses %i levels down', (depth) => {
    const { destination, text, lines } = capture()
    let details: Record<string, unknown> = SECRETS
    for (let level = 0; level < depth; level++) details = { inner: details }
    createLogger({ service: 'test', destination }).info(details, 'a message')
    expect(text()).not.toContain('leak')
    expect(text().match(/\[redacted\]/g)).toHaveLength(Object.keys(SECRETS).length)
    expect(lines()[0]).toMatchObject({ level: 'info', service: 'test', msg: 'a message' })
  })

  it('redacts in lists, in errors and in children', () => {
    const { destination, text } = capture()
    const logger = createLogger({ service: 'test', destination })
    logger.info({ users: [{ email: 'leak@example.com' }] })
    logger.error({ err: Object.assign(new Error('refused'), { headers: { authorization: 'leak' } }) })
    logger.child({ token: 'leak' }).info('a child')
    expect(text()).not.toContain('leak')
    expect(text()).toContain('refused')
  })

  it('carries the trace of the current work', () => {
    const { destination, lines } = capture()
    const logger = createLogger({ service: 'test', destination })
    const trace = continueTrace(undefined)
    withTrace(trace, () => logger.info('inside'))
    logger.info('outside')
    expect(lines()[0]).toMatchObject({ traceId: trace.traceId })
    expect(lines()[1]).not.toHaveProperty('traceId')
  })

  it('logs an error with its cause and writes nothing below its level', () => {
    const { destination, lines } = capture()
    const logger = createLogger({ service: 'test', level: 'warn', destination })
    logger.info('unheard')
    logger.warn({ err: new Error('outer', { cause: new Error('inner') }) }, 'heard')
    expect(lines()).toHaveLength(1)
    expect(JSON.stringify(lines())).toContain('inner')
  })
})
