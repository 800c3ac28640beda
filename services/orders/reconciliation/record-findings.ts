/** What a reconciliation brought to light becomes an event, and, where it was not put right, an operator's concern. */
import { v5 as uuidOf } from 'uuid'
import type { Finding } from '#contracts/workflows.ts'
import { appendEvent, type UnitOfWork } from '#platform/events/outbox.ts'
import type { Logger } from '#platform/logger.ts'
import { raiseConcern } from '../concerns.ts'
import type { OrdersTransaction } from '../store.ts'

const NAMESPACE = 'c1b1a9a4-6a2f-4d4b-9d5c-0d6f4e0f7b52'

/** What ends a concern's source: who asks about one thing of an order does not ask about the order. */
const DAY_LENGTH = '2026-01-01'.length

export type RecordFindings = (input: { findings: Finding[] }) => Promise<void>

/** The same finding counts once a day, however often it is found: a repeat of the call changes nothing. */
export const createRecordFindings =
  ({ transact, logger }: { transact: UnitOfWork<OrdersTransaction>; logger: Logger }): RecordFindings =>
  async ({ findings }) => {
    const day = new Date().toISOString().slice(0, 10)
    for (const finding of findings) {
      const isNew = await transact((tx) => record(tx, finding, day))
      if (isNew) logger.warn({ finding }, 'a reconciliation found something')
    }
  }

async function record(tx: OrdersTransaction, finding: Finding, day: string): Promise<boolean> {
  const { kind, subjectId, orderId, detail, repaired } = finding
  const id = uuidOf(JSON.stringify([day, kind, subjectId, detail, repaired]), NAMESPACE)
  const inserted = await tx.$executeRaw`
    INSERT INTO findings (id, kind, subject_id, order_id, detail, repaired)
    VALUES (${id}::uuid, ${kind}, ${subjectId}, ${orderId}::uuid, ${detail}, ${repaired}) ON CONFLICT DO NOTHING`
  if (inserted === 0) return false
  await appendEvent(tx, { type: 'reconciliation.found', aggregateId: id, version: 1, payload: finding })
  // several parcels, returns or payments of an order are several questions
  const about = subjectId === orderId ? `finding:${kind}:` : `finding:${kind}:${subjectId}:`
  if (!repaired && orderId !== null && (await isFirst(tx, orderId, about))) {
    await raiseConcern(tx, {
      orderId,
      source: `${about}${day}`,
      step: 'reconciliation',
      operation: kind,
      error: detail,
    })
  }
  return true
}

/** Whether there is such an order, and nobody has the same on their desk since yesterday. */
async function isFirst(tx: OrdersTransaction, orderId: string, about: string): Promise<boolean> {
  const rows = await tx.$queryRaw<unknown[]>`
    SELECT 1 FROM orders WHERE id = ${orderId}::uuid AND NOT EXISTS (
      SELECT 1 FROM concerns WHERE order_id = orders.id AND settled_at IS NULL
        AND starts_with(source, ${about}) AND length(source) = ${about.length + DAY_LENGTH}::int)`
  return rows.length > 0
}
