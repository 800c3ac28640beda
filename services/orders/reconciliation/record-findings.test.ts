import { randomUUID } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Finding } from '#contracts/workflows.ts'
import { silentLogger, testOrders, type TestOrders } from '#tests/support/orders.ts'
import { createSettleConcern } from '../concerns.ts'
import { findOrder } from '../store.ts'
import { createRecordFindings } from './record-findings.ts'

let orders: TestOrders
beforeAll(async () => {
  orders = await testOrders(10)
})

const recordFindings = (...findings: Finding[]) =>
  createRecordFindings({ transact: orders.transact, logger: silentLogger })({ findings })
const needsAttention = async (id: string) => (await findOrder(orders.database, id, null))?.needsAttention

describe('recordFindings', () => {
  const finding = (orderId: string | null, changes: Partial<Finding> = {}): Finding => ({
    kind: 'ledger_mismatch',
    subjectId: orderId ?? 'SKU-1',
    orderId,
    detail: 'the provider holds 5 more',
    repaired: false,
    ...changes,
  })
  const found = async () =>
    (await orders.database.outbox.findMany({ where: { type: 'reconciliation.found' } })).map(
      ({ payload }) => payload,
    )

  it('makes each an event once a day, and a concern of what was not put right', async () => {
    const [broken, mended] = [(await orders.place()).id, (await orders.place()).id]
    const findings = [finding(broken), finding(mended, { repaired: true }), finding(null)]
    const before = (await found()).length
    await recordFindings(...findings)
    await Promise.all([recordFindings(...findings), recordFindings(...findings.toReversed())])
    expect((await found()).slice(before)).toEqual(findings)
    expect([await needsAttention(broken), await needsAttention(mended)]).toEqual([true, false])
  })

  it('asks once, however the detail changes, and again when it was settled', async () => {
    const { id } = await orders.place()
    await recordFindings(finding(id))
    await recordFindings(finding(id, { detail: 'the provider holds 6 more' }))
    expect(await orders.database.concern.count({ where: { orderId: id } })).toBe(1)
    const [concern] = await orders.database.concern.findMany({ where: { orderId: id } })
    const settle = createSettleConcern(orders.transact)
    await settle({ orderId: id, source: concern!.source, note: 'seen to' })
    await recordFindings(finding(id, { detail: 'the provider holds 7 more' }))
    expect(await needsAttention(id)).toBe(true)
  })

  it('asks about each thing of an order, and about the order, by itself', async () => {
    const { id } = await orders.place()
    for (const subjectId of [randomUUID(), randomUUID(), id]) await recordFindings(finding(id, { subjectId }))
    expect(await orders.database.concern.count({ where: { orderId: id } })).toBe(3)
  })

  it('is an event also where there is no such order', async () => {
    const strange = finding(randomUUID())
    await recordFindings(strange)
    expect(await found()).toContainEqual(strange)
  })
})
