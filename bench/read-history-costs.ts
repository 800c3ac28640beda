/** Reads the histories of some of the orders that were placed and counts what is in them. */
import { Client, Connection } from '@temporalio/client'
import { orderWorkflowId, shipmentWorkflowId } from '#contracts/workflows.ts'
import { countHistory, meanCosts, untilConfirmed, type HistoryCosts } from './history-costs.ts'
import type { OrderProgress } from './order-progress.ts'

const SAMPLE = 20

/** Means. */
export interface OrderHistoryCosts {
  untilConfirmed: HistoryCosts
  order: HistoryCosts
  shipment: HistoryCosts
}

export async function readHistoryCosts({
  temporalAddress,
  temporalNamespace,
  progress,
  ids,
}: {
  temporalAddress: string
  temporalNamespace: string
  progress: OrderProgress
  /** The last ones are read. */
  ids: readonly string[]
}): Promise<OrderHistoryCosts> {
  const connection = await Connection.connect({ address: temporalAddress })
  try {
    const client = new Client({ connection, namespace: temporalNamespace })
    const eventsOf = async (workflowId: string) =>
      (await client.workflow.getHandle(workflowId).fetchHistory()).events ?? []
    const sample = ids.slice(-SAMPLE)
    const orders = await Promise.all(sample.map((id) => eventsOf(orderWorkflowId(id))))
    const parcels = await progress.shipments(sample)
    const shipments = await Promise.all(parcels.map((id) => eventsOf(shipmentWorkflowId(id))))
    return {
      untilConfirmed: meanCosts(orders.map((events) => countHistory(untilConfirmed(events)))),
      order: meanCosts(orders.map(countHistory)),
      shipment: meanCosts(shipments.map(countHistory)),
    }
  } finally {
    await connection.close()
  }
}
