/** `npm run -s make-env > .env`: fills deploy/.env.example with new random secrets; what only people know stays empty. */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { generateSigningKey } from '#platform/service-token.ts'

/** Letters and digits, beginning with a letter: it needs no escaping in URLs or in the NATS configuration. */
const password = (): string => `k${randomBytes(24).toString('hex')}`

async function valueOf(name: string): Promise<string> {
  if (name.endsWith('_SIGNING_KEY')) return `'${await generateSigningKey()}'`
  if (name === 'KEY_ENCRYPTION_KEY') return randomBytes(32).toString('base64')
  return /(PASSWORD|SECRET|API_KEY)$/.test(name) ? password() : ''
}

const example = readFileSync(new URL('.env.example', import.meta.url), 'utf8')
for (const line of example.trimEnd().split('\n')) {
  const name = /^([A-Z_]+)=$/.exec(line)?.[1]
  process.stdout.write(`${name === undefined ? line : `${name}=${await valueOf(name)}`}\n`)
}
