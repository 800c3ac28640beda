/**
 * A customer wants to send something back. One transaction, under the order's lock, writes the return, its event and the
 * answer for its key; the row itself is the request to start the return's workflow.
 */
import { v7 as uuid } from 'uuid'
import type { ReturnBody } from '#contracts/http/returns.ts'
import type { SkuQuantity } from '#contracts/schemas.ts'
import type { UnitOfWork } from '#platform/events/outbox.ts'
import type { Finish } from '#platform/idempotency.ts'
import { notFound, ProblemError } from '#platform/problem.ts'
import { currentTrace } from '#platform/trace.ts'
import { assertVersion } from '../command-order.ts'
import { lockOrder } from '../lock-order.ts'
import type { ReturnRow, ShipmentRow } from '../rows.ts'
import { findOrder, type OrdersTransaction } from '../store.ts'
import { countUnits } from '../units.ts'
import { assertCanPayBack } from './can-pay-back.ts'
import { findReturn } from './find-returns.ts'
import { withVersion, type VersionedReturn } from './present-return.ts'
import { returnableUnits, type Returnable } from './returnable.ts'
import { announceReturn } from './return-event.ts'

export interface RequestReturnInput {
  orderId: string
  customerId: string
  body: ReturnBody
  /** The version of the order that the caller believes to see. */
  ifMatch: number | undefined
  /** Stores the answer beside the return. */
  finish: Finish
}

/**
 * @throws ProblemError `not_found`, `stale_version`, `return_exceeds_delivered`, `return_window_closed` or
 *   `return_already_refunded`
 */
export const createRequestReturn =
  (transact: UnitOfWork<OrdersTransaction>) =>
  ({ orderId, customerId, body, ifMatch, finish }: RequestReturnInput): Promise<VersionedReturn> =>
    transact(async (tx) => {
      if ((await findOrder(tx, orderId, customerId)) === undefined) throw notFound('order')
      // two requests for the same goods take turns
      const order = await lockOrder(tx, orderId)
      assertVersion(order, ifMatch)
      assertReturnable(await readReturnable(tx, orderId), body)
      const id = uuid()
      const others = await readRequestedLines(tx, orderId)
      await assertCanPayBack(tx, order, { returnId: id, lines: [...others, ...body.lines] })
      await insertReturn(tx, { id, orderId, customerId, body })
      await announceReturn(tx, order, {
        id,
        status: 'requested',
        version: 1,
        lines: body.lines,
        amount: 0,
        detail: null,
      })
      const requested = await findReturn(tx, id, customerId)
      if (requested === undefined) throw new Error('the return was not inserted')
      const shown = withVersion(requested)
      await finish(tx, { status: 201, body: shown })
      return shown
    })

async function readReturnable(tx: OrdersTransaction, orderId: string): Promise<Map<string, Returnable>> {
  const shipments = await tx.$queryRaw<(Pick<ShipmentRow, 'status' | 'lines'> & { until: Date | null })[]>`
    SELECT status, lines, returnable_until AS until FROM order_shipments WHERE order_id = ${orderId}::uuid`
  const returns = await tx.$queryRaw<Pick<ReturnRow, 'status' | 'lines'>[]>`
    SELECT status, (SELECT json_agg(line) FROM return_lines AS line WHERE line.return_id = returns.id) AS lines
    FROM returns WHERE order_id = ${orderId}::uuid`
  const parcels = shipments.map(({ until, ...parcel }) => ({
    ...parcel,
    returnable_until: until === null ? null : until.toISOString(),
  }))
  return returnableUnits(parcels, returns, new Date())
}

/** What other returns that nobody has agreed to yet would give back too. */
const readRequestedLines = (tx: OrdersTransaction, orderId: string): PromiseLike<SkuQuantity[]> =>
  tx.$queryRaw<SkuQuantity[]>`
    SELECT sku, quantity FROM return_lines JOIN returns ON returns.id = return_id
    WHERE order_id = ${orderId}::uuid AND status = 'requested'`

function assertReturnable(returnable: ReadonlyMap<string, Returnable>, { lines }: ReturnBody): void {
  const refused = (
    code: 'return_exceeds_delivered' | 'return_window_closed',
    sku: string,
    message: string,
  ) => {
    const index = lines.findIndex((line) => line.sku === sku)
    return new ProblemError(code, `${sku}: ${message}.`, {
      errors: [{ path: `lines/${index}/quantity`, message }],
    })
  }
  for (const [sku, units] of countUnits(lines)) {
    const { kept, inTime } = returnable.get(sku) ?? { kept: 0, inTime: 0 }
    if (units > kept) throw refused('return_exceeds_delivered', sku, `${kept} can be returned at the most`)
    if (units > inTime) throw refused('return_window_closed', sku, `the time to return ${units} is over`)
  }
}

async function insertReturn(
  tx: OrdersTransaction,
  { id, orderId, customerId, body }: { id: string; orderId: string; customerId: string; body: ReturnBody },
): Promise<void> {
  const lines = body.lines.map((line, position) => ({ ...line, position }))
  await tx.$executeRaw`
    INSERT INTO returns (id, order_id, customer_id, status, trace)
    VALUES (${id}::uuid, ${orderId}::uuid, ${customerId}::uuid, 'requested', ${currentTrace()?.traceparent ?? null})`
  await tx.$executeRaw`
    INSERT INTO return_lines (return_id, position, sku, quantity, reason)
    SELECT ${id}::uuid, position, sku, quantity, reason
    FROM jsonb_to_recordset(${JSON.stringify(lines)}::jsonb) AS line (position int, sku text, quantity int, reason text)`
}
