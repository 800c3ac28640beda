/**
 * Compares what the services know with each other and with the outside world. What one part of it finds, or that it cannot
 * look at all, keeps none of the others from looking.
 */
import { ActivityFailure, log, patched, proxyActivities } from '@temporalio/workflow'
import type { OrdersActivities } from '#activities/orders.ts'
import type { PaymentsActivities } from '#activities/payments.ts'
import type { PlatformActivities } from '#activities/platform.ts'
import type { ShippingActivities } from '#activities/shipping.ts'
import { TASK_QUEUES } from '#contracts/services.ts'
import type { Finding } from '#contracts/workflows.ts'
import { inventory, orders } from './doors.ts'
import { reasonOf } from './reason.ts'
import { isRefusal } from './refusal.ts'
import { HOUR_SECONDS, inSeconds } from './waits.ts'

/** The next run looks again: nothing here is worth insisting on. */
const FEW_TRIES = { initialInterval: '1s', backoffCoefficient: 2, maximumAttempts: 3 } as const

/** Their workers publish events. */
const PUBLISHERS = ['users', 'payments', 'inventory', 'shipping', 'orders'] as const

export interface ReconciliationResult {
  findings: number
  /** Parts that could not look. */
  failed: string[]
}

export async function reconciliation(): Promise<ReconciliationResult> {
  const failed: string[] = []
  const parts: Record<string, () => Promise<Finding[]>> = {
    expiredHolds: endHolds,
    unknownPayments: () =>
      look<PaymentsActivities>('payments', 'ask about unknown payments').settleUnknownPayments(),
    providerLedger: () =>
      look<PaymentsActivities>('payments', 'compare the provider’s books').compareProviderLedger(),
    workflows: () => look<OrdersActivities>('orders', 'look for missing workflows').checkWorkflows(),
    // runs from before that had them looked for together
    ...(patched('parcels-and-returns-are-looked-for')
      ? { parcels: stuckParcels, returns: stuckReturns }
      : {}),
    strayParcels: () => look<ShippingActivities>('shipping', 'look for stray parcels').findStrayParcels(),
    ...Object.fromEntries(PUBLISHERS.map((service) => [`events of ${service}`, () => republish(service)])),
  }
  const found = await Promise.all(Object.entries(parts).map(([name, look]) => attempt(name, look)))
  const findings = found.flat()
  if (findings.length > 0) {
    await attempt('recordFindings', async () => {
      await orders(`${findings.length} findings`, FEW_TRIES).recordFindings({ findings })
      return []
    })
  }
  return { findings: findings.length, failed }

  async function attempt(name: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
    try {
      return await look()
    } catch (error) {
      if (!(error instanceof ActivityFailure)) throw error
      log.warn('a part of the reconciliation failed', { part: name, error: reasonOf(error) })
      failed.push(name)
      return []
    }
  }
}

/** Holds whose time is up: those of orders that still run are extended, the others end. */
async function endHolds(): Promise<Finding[]> {
  const door = inventory('end holds that nobody owns', FEW_TRIES)
  const { orderIds } = await door.findExpiredHolds()
  if (orderIds.length === 0) return []
  const running = new Set((await orders('who still runs', FEW_TRIES).findRunning({ orderIds })).orderIds)
  const until = inSeconds(HOUR_SECONDS)
  const ended = await Promise.all(
    orderIds.map(async (orderId): Promise<Finding[]> => {
      if (running.has(orderId)) {
        await extend(orderId, until)
        return []
      }
      await door.expireReservation({ orderId })
      const detail = 'a hold outlived its order'
      return [{ kind: 'expired_hold', subjectId: orderId, orderId, detail, repaired: true }]
    }),
  )
  return ended.flat()
}

/** A hold that was committed or released meanwhile needs no longer life. */
async function extend(orderId: string, until: string): Promise<void> {
  try {
    await inventory('extend the hold of a running order', FEW_TRIES).extendReservation({ orderId, until })
  } catch (error) {
    if (!isRefusal(error)) throw error
  }
}

const stuckParcels = (): Promise<Finding[]> =>
  look<OrdersActivities>('orders', 'look for parcels that nobody follows').checkParcels()

const stuckReturns = (): Promise<Finding[]> =>
  look<OrdersActivities>('orders', 'look for stuck returns').checkReturns()

const republish = (service: (typeof PUBLISHERS)[number]): Promise<Finding[]> =>
  look<PlatformActivities>(service, `events of ${service} that the stream lacks`).republishEvents()

/**
 * One attempt goes through hundreds of rows, many of them with a question to the outside world, and tells only at its end
 * what it found: it has time. That its worker lives is told by heartbeats.
 */
const look = <Activities extends object>(service: keyof typeof TASK_QUEUES, summary: string) =>
  proxyActivities<Activities>({
    taskQueue: TASK_QUEUES[service],
    startToCloseTimeout: '10m',
    heartbeatTimeout: '12s',
    retry: FEW_TRIES,
    summary,
  })
