/**
 * A customer changes an order before it is packed. What they want is stored first, because it may hold an address; the
 * workflow is told its id only, and makes it the order as a whole or not at all.
 */
import { v5 as uuidOf } from 'uuid'
import type { Order } from '#contracts/http/orders.ts'
import type { Address, SkuQuantity } from '#contracts/schemas.ts'
import type { AmendResult, SagaPolicy } from '#contracts/workflows.ts'
import { notFound, ProblemError } from '#platform/problem.ts'
import { assertVersion, findCommandable } from '../command-order.ts'
import { loadOrderInput } from '../order-input.ts'
import { readTerms } from '../order-terms.ts'
import { isFresh, type OrderWorkflows } from '../order-workflow.ts'
import { priceAmendment } from '../pricing/price-amendment.ts'
import type { Pricing } from '../pricing/total-order.ts'
import { readLines } from '../revise-rows.ts'
import { findOrder, type OrdersDatabase } from '../store.ts'
import { addToTimeline } from '../timeline.ts'
import { NEVER_CAME_UP, REPLACED } from './amendment.ts'
import { replaceUnheard } from './replace-unheard.ts'

/** Amendments are named after what was sent, so that a repeat finds the first one. */
const NAMESPACE = '5a0f8a52-3d5c-4c0e-9a44-6f3b1c7a2d10'

export interface Change {
  lines?: SkuQuantity[]
  shippingAddress?: Address
}

export interface AmendInput {
  orderId: string
  customerId: string
  change: Change
  /** The version that the caller believes to change. */
  ifMatch: number | undefined
  /** The same for a repeat of the same change. */
  intent: string
}

/** 200: it is the order now. 202: it waits its turn. */
export type AmendAnswer = { status: 200 | 202; body: Order }

interface Dependencies {
  database: OrdersDatabase
  workflows: OrderWorkflows
  policy: SagaPolicy
  pricing: Pricing
}

/**
 * @throws ProblemError `not_found`, `stale_version`, what is wrong with the lines, `order_not_amendable`,
 *   `amendment_refused` with the reason, `spending_limit_exceeded`, or `workflow_engine_unavailable`
 */
export const createAmendOrder =
  ({ database, workflows, policy, pricing }: Dependencies) =>
  async ({ orderId, customerId, change, ifMatch, intent }: AmendInput): Promise<AmendAnswer> => {
    const amendmentId = uuidOf(intent, NAMESPACE)
    const at = new Date().toISOString()
    if ((await findOrder(database, orderId, customerId)) === undefined) throw notFound('order')
    const result = (await findSettled(database, amendmentId)) ?? (await handOver())
    // also what came to nothing was accepted first; its outcome is the workflow's to tell
    if (result === undefined || wasAccepted(result)) {
      await addToTimeline(database, orderId, [
        { kind: 'request', name: 'amend', status: 'accepted', at, source: `update:${amendmentId}` },
      ])
    }
    if (result?.outcome === 'refused') throw refusalOf(result)
    const body = await findOrder(database, orderId, customerId)
    if (body === undefined) throw new Error(`order ${orderId} is gone`)
    return { status: result === undefined ? 202 : 200, body }

    async function handOver(): Promise<AmendResult | undefined> {
      const { status } = await findCommandable(database, {
        orderId,
        owner: customerId,
        ifMatch,
        command: 'amend',
      })
      await assertPossible({ database, pricing }, orderId, change)
      await store(database, { orderId, amendmentId, change, ifMatch })
      const input = await loadOrderInput(database, orderId, policy)
      try {
        return await workflows.amend(input, { amendmentId, by: customerId }, { mayStart: isFresh(status) })
      } catch (error) {
        // refused outright: nobody will ask for it
        if (error instanceof ProblemError && error.status === 409) await forget(database, amendmentId)
        throw error
      }
    }
  }

/** What a client can do about it decides whether it is a code of its own. */
function refusalOf({ code, message }: Extract<AmendResult, { outcome: 'refused' }>): ProblemError {
  if (code === NEVER_CAME_UP) return new ProblemError('order_not_amendable', message)
  const own = OWN_CODES.find((known) => known === code)
  return new ProblemError(own ?? 'amendment_refused', message)
}

const OWN_CODES = ['order_not_amendable', 'spending_limit_exceeded', REPLACED] as const

/** What the workflow never heard of was not accepted. */
const wasAccepted = (result: AmendResult): boolean =>
  result.outcome === 'applied' || (result.code !== NEVER_CAME_UP && result.code !== REPLACED)

/** What became of this amendment, if it came before. */
async function findSettled(database: OrdersDatabase, amendmentId: string): Promise<AmendResult | undefined> {
  const [row] = await database.$queryRaw<{ status: string; code: string | null; message: string | null }[]>`
    SELECT status, code, message FROM amendments WHERE id = ${amendmentId}::uuid AND status <> 'requested'`
  if (row === undefined) return undefined
  return row.status === 'applied'
    ? { outcome: 'applied' }
    : { outcome: 'refused', code: row.code ?? '', message: row.message ?? '' }
}

/** What cannot be ordered is said at once; whether there is stock and money is found out by the workflow. */
async function assertPossible(
  { database, pricing }: Pick<Dependencies, 'database' | 'pricing'>,
  orderId: string,
  change: Change,
): Promise<void> {
  const [terms, known] = [await readTerms(database, orderId), await readLines(database, orderId)]
  await priceAmendment(database, {
    known,
    wanted: change.lines ?? known,
    currency: terms.currency,
    country: change.shippingAddress?.country ?? terms.country,
    pricing,
  })
}

interface StoredChange extends Pick<AmendInput, 'orderId' | 'change' | 'ifMatch'> {
  amendmentId: string
}

/** Under the order's lock, so that of two who name the same version only one is taken: the other would undo its change. */
const store = (
  database: OrdersDatabase,
  { orderId, amendmentId, change, ifMatch }: StoredChange,
): Promise<void> =>
  database.$transaction(async (tx) => {
    if (ifMatch !== undefined) {
      const [order] = await tx.$queryRaw<{ version: number }[]>`
        SELECT version FROM orders WHERE id = ${orderId}::uuid FOR NO KEY UPDATE`
      if (order === undefined) throw notFound('order')
      assertVersion(order, ifMatch)
      if (!(await replaceUnheard(tx, { orderId, amendmentId })))
        throw new ProblemError('stale_version', 'Another change of the order is being made.')
    }
    await tx.$executeRaw`
      INSERT INTO amendments (id, order_id, lines, shipping_address)
      VALUES (${amendmentId}::uuid, ${orderId}::uuid, ${json(change.lines)}::jsonb, ${json(change.shippingAddress)}::jsonb)
      ON CONFLICT DO NOTHING`
  })

const forget = (database: OrdersDatabase, amendmentId: string): PromiseLike<number> =>
  database.$executeRaw`DELETE FROM amendments WHERE id = ${amendmentId}::uuid AND status = 'requested'`

const json = (value: object | undefined): string | null =>
  value === undefined ? null : JSON.stringify(value)
