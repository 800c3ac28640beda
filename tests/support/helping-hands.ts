/** People who do their part while a test waits for its orders: a courier, and an operator. */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Shop } from './shop.ts'

export interface HelpingHands {
  /** @throws what kept them from helping */
  stop(): Promise<void>
}

export interface HelpingHandsOptions {
  /** What the operator says to the question of this order. */
  answer: (orderId: string) => 'retry' | 'resolve'
}

const LOOK_EVERY_MS = 250

/** Takes every parcel that is booked and delivers it, and answers every question. */
export async function lendHands(shop: Shop, { answer }: HelpingHandsOptions): Promise<HelpingHands> {
  const stopping = new AbortController()
  const { signal } = stopping
  const [courier, operator] = await Promise.all([shop.courier(), shop.operator()])

  async function again(help: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await help()
      await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {}) // or until they are to stop
    }
  }

  async function deliver(): Promise<void> {
    const parcels = await shop.rows<{ id: string; status: string }>(
      'shipping',
      `SELECT id, status FROM shipments WHERE status IN ('booked', 'dispatched')`,
    )
    for (const { id, status } of parcels) {
      const next = status === 'booked' ? 'dispatched' : 'delivered'
      await courier.send('POST', `/api/v1/shipments/${id}/scans`, { body: { status: next } })
    }
  }

  async function operate(): Promise<void> {
    const waiting = await shop.rows<{ id: string; since: string }>(
      'orders',
      "SELECT id, attention->>'since' AS since FROM orders WHERE attention IS NOT NULL",
    )
    for (const { id, since } of waiting) {
      await operator.send('POST', `/api/v1/orders/${id}/operations`, {
        body: { action: answer(id), note: 'seen to', since },
        headers: { 'idempotency-key': randomUUID() },
      })
    }
  }

  const helping = Promise.all([again(deliver), again(operate)])
  helping.catch(() => {}) // whoever stops them is told
  return {
    async stop() {
      stopping.abort()
      await helping
    },
  }
}
