/**
 * Tells running orders what they have missed of their parcels. A parcel's workflow says once that the parcel has left, and
 * its end goes to the run that waits for it: an order whose workflow was ended at that moment, and was reset later, waits on.
 */
import type { Finding, ParcelNews } from '#contracts/workflows.ts'
import type { Logger } from '#platform/logger.ts'
import type { OrderWorkflows } from '../order-workflow.ts'
import type { OrdersDatabase } from '../store.ts'

/** Younger news may still be on its way. */
const GRACE_SECONDS = 60
/** So many are told at once: each is a moment's work, unless a workflow does not answer. */
const AT_ONCE = 20

interface Dependencies {
  database: OrdersDatabase
  workflows: Pick<OrderWorkflows, 'hearOfParcel'>
  logger: Logger
}

/** Answers with what was news to an order; which order knows what, it says itself. */
export type TellOfParcels = (runningOrderIds: readonly string[]) => Promise<Finding[]>

export const createTellOfParcels =
  ({ database, workflows, logger }: Dependencies): TellOfParcels =>
  async (runningOrderIds) => {
    const possible = await possibleNews(database, runningOrderIds)
    const findings: Finding[] = []
    // all of them, every time: what an order knows already must not hide what another does not
    while (possible.length > 0) {
      const told = await Promise.all(possible.splice(0, AT_ONCE).map((news) => tell(news)))
      findings.push(...told.flat())
    }
    return findings

    async function tell({ orderId, ...news }: OrderNews): Promise<Finding[]> {
      const { shipmentId, status } = news
      try {
        if (!(await workflows.hearOfParcel(orderId, news))) return []
      } catch (error) {
        logger.warn({ err: error, orderId, shipmentId }, 'an order could not be told of its parcel')
        return []
      }
      const detail = `the order had not heard that its parcel ${shipmentId} is ${status}`
      return [{ kind: 'workflow_stuck', subjectId: orderId, orderId, detail, repaired: true }]
    }
  }

type OrderNews = ParcelNews & { orderId: string }

/** Of orders that should have moved on or have captured something by what their parcels did, and of those that were stuck before. */
const possibleNews = (database: OrdersDatabase, orderIds: readonly string[]): PromiseLike<OrderNews[]> =>
  database.$queryRaw<OrderNews[]>`
    WITH parcels AS (
      SELECT id, order_id, status, (history->-1->>'at')::timestamptz < now() - make_interval(secs => ${GRACE_SECONDS}) AS known
      FROM order_shipments WHERE order_id = ANY(${orderIds}::uuid[]))
    SELECT parcels.id AS "shipmentId", order_id AS "orderId", parcels.status
    FROM parcels JOIN orders ON orders.id = order_id
    WHERE known AND parcels.status IN ('dispatched', 'delivered', 'lost', 'cancelled')
      AND orders.status IN ('fulfilling', 'cancelling')
      AND (
        NOT EXISTS (SELECT 1 FROM parcels AS other WHERE other.order_id = orders.id
          AND NOT (other.known AND other.status IN ('delivered', 'lost', 'cancelled')))
        OR parcels.status <> 'cancelled' AND EXISTS (SELECT 1 FROM order_payments AS payment
          WHERE payment.order_id = orders.id AND authorized > 0 AND captured = 0)
        OR EXISTS (SELECT 1 FROM concerns WHERE concerns.order_id = orders.id
          AND operation = 'workflow_stuck'))`
