/** Payments of the time when each had one authorization keep their money. */
import { randomBytes, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { openAt, type ProviderAuthorization } from './providers/provider.ts'
import { openStore } from './store.ts'
import { createMemoryProvider } from './test-support/memory-provider.ts'
import { createPayments, findViolations, readBooks } from './test-support/payments.ts'

const MIGRATIONS = new URL('../../prisma/payments/migrations/', import.meta.url)
const NAME = `payments_${randomBytes(6).toString('hex')}`

const url = new URL(inject('infrastructure').superuserUrl)
url.pathname = `/${NAME}`

async function execute(connectionString: string, ...statements: string[]): Promise<void> {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

const PAYMENTS = {
  captured: { status: 'partially_captured', authorized: 10_000, captured: 4_000, released: 0, id: 'auth_1' },
  voided: { status: 'voided', authorized: 10_000, captured: 0, released: 10_000, id: 'auth_2' },
  failed: { status: 'failed', authorized: 0, captured: 0, released: 0, id: null },
  unknown: { status: 'created', authorized: 0, captured: 0, released: 0, id: null },
}
const orderOf = Object.fromEntries(Object.keys(PAYMENTS).map((name) => [name, randomUUID()]))

/** As version 1 wrote them. */
function olderPayment(name: keyof typeof PAYMENTS): string[] {
  const { status, authorized, captured, released, id } = PAYMENTS[name]
  const [order, payment, made] = [orderOf[name], randomUUID(), randomUUID()]
  const attempt = { captured: 'succeeded', voided: 'succeeded', failed: 'declined', unknown: 'unknown' }[name]
  const voided = name === 'voided' || name === 'failed' ? 'now()' : 'NULL'
  const entries = (kind: string, amount: number, attemptId: string) =>
    `INSERT INTO ledger_entries (transaction_id, payment_id, attempt_id, kind, account, amount, currency)
     SELECT transaction_id, '${payment}', '${attemptId}', '${kind}', account, amount, 'EUR'
     FROM (SELECT gen_random_uuid() AS transaction_id) one,
          (VALUES ('customer_authorizations', ${amount}), ('provider_commitments', ${-amount})) entry (account, amount)`
  const second = randomUUID()
  const operation = name === 'captured' ? 'capture' : 'void'
  return [
    `INSERT INTO payments (id, order_id, customer_id, currency, amount, payment_method, status, authorized, captured, released,
                           provider, provider_authorization_id, brand, last4, voided_at)
     VALUES ('${payment}', '${order}', '${randomUUID()}', 'EUR', 10000, 'pm_card_visa', '${status}', ${authorized},
             ${captured}, ${released}, 'memory', ${id === null ? 'NULL' : `'${id}'`}, 'visa', '4242', ${voided})`,
    `INSERT INTO attempts (id, payment_id, operation, sequence, key, amount, status, sent_at)
     VALUES ('${made}', '${payment}', 'authorize', 1, '${order}:authorize:1', 10000, '${attempt}', now())`,
    ...(authorized > 0
      ? [
          entries('authorization', 10_000, made),
          `INSERT INTO attempts (id, payment_id, operation, sequence, key, amount, shipment_id, status)
           VALUES ('${second}', '${payment}', '${operation}', 1, '${order}:${operation}:1', ${captured || released},
                   ${captured > 0 ? `'${randomUUID()}'` : 'NULL'}, 'succeeded')`,
          entries(captured > 0 ? 'capture' : 'release', -(captured || released), second),
        ]
      : []),
    ...(captured > 0
      ? [
          `INSERT INTO ledger_entries (transaction_id, payment_id, attempt_id, kind, account, amount, currency)
           SELECT transaction_id, '${payment}', '${second}', 'capture', account, amount, 'EUR'
           FROM (SELECT gen_random_uuid() AS transaction_id) one,
                (VALUES ('provider_balance', 4000), ('sales', -4000)) entry (account, amount)`,
        ]
      : []),
  ]
}

beforeAll(async () => {
  await execute(inject('infrastructure').superuserUrl, `CREATE DATABASE ${NAME}`)
  const folders = (await readdir(MIGRATIONS)).filter((name) => /^\d+_/.test(name)).toSorted()
  const [first = '', ...later] = await Promise.all(
    folders.map((folder) => readFile(new URL(`${folder}/migration.sql`, MIGRATIONS), 'utf8')),
  )
  const names = Object.keys(PAYMENTS) as (keyof typeof PAYMENTS)[]
  await execute(url.href, first, ...names.flatMap(olderPayment), ...later)
})
afterAll(() => execute(inject('infrastructure').superuserUrl, `DROP DATABASE ${NAME} WITH (FORCE)`))

describe('the migration to several authorizations', () => {
  it('keeps what was authorized, captured and released, so that work goes on', async () => {
    const database = openStore(url.href, 5)
    const provider = createMemoryProvider()
    provider.authorizations = (['captured', 'voided'] as const).map((name) => older(name))
    const payments = createPayments(database, provider)
    const order = { customerId: randomUUID(), amount: 10_000, currency: 'EUR', paymentMethod: 'pm_card_visa' }

    const captured = orderOf['captured']!
    expect(await payments.authorize({ ...order, orderId: captured })).toMatchObject({ outcome: 'authorized' })
    await payments.capture({ orderId: captured, shipmentId: randomUUID(), amount: 5_000, shipping: 0 })
    await payments.voidPayment({ orderId: captured })
    expect(await readBooks(database, captured)).toMatchObject({
      status: 'captured',
      captured: 9_000,
      released: 1_000,
    })
    expect(await payments.authorize({ ...order, orderId: orderOf['voided']! })).toEqual({ outcome: 'voided' })
    expect(await payments.authorize({ ...order, orderId: orderOf['failed']! })).toEqual({ outcome: 'voided' })
    expect(await payments.authorize({ ...order, orderId: orderOf['unknown']! })).toMatchObject({
      outcome: 'authorized',
    })
    expect(provider.calls.filter(({ operation }) => operation === 'authorize')).toHaveLength(1)
    expect(provider.authorizations.map(openAt)).toEqual([0, 0, 10_000])
    // no events were written for what version 1 did, so that only money is compared
    const violations = await findViolations(database, captured, provider.authorizations)
    expect(violations.filter((each) => !each.includes('event'))).toEqual([])
    await database.$disconnect()
  })
})

function older(name: 'captured' | 'voided'): ProviderAuthorization {
  const { captured, released, id } = PAYMENTS[name]
  return {
    id,
    reference: `${orderOf[name]}:authorize:1`,
    state: released > 0 ? 'closed' : 'approved',
    amount: 10_000,
    captured,
    refunded: 0,
    released,
    brand: 'visa',
    last4: '4242',
    declineCode: null,
    actionUrl: null,
    expiresAt: null,
    disputes: [],
  }
}
